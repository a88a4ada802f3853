import type {Clock} from '../../src/clock.ts';
import {Fault} from '../../src/errors.ts';

/** The bytes of bodies and events that are received, queued or in flight; past the limit new ones are refused. */
export class Budget {
  readonly maxBytes: number;
  readonly clock: Clock;
  heldBytes = 0;
  /** Of heads that are not whole yet, when they were last looked at. */
  headBytes = 0;
  /** Mean time that a share is held, the newest weighing a tenth; for Retry-After. */
  holdMs = 1000;

  constructor(maxBytes: number, clock: Clock) {
    this.maxBytes = maxBytes;
    this.clock = clock;
  }

  /** Above 0: so much has to go. */
  get overBytes(): number {
    return this.heldBytes + this.headBytes - this.maxBytes;
  }

  full(): Fault {
    return new Fault('INFLIGHT_FULL', {retryAfterS: Math.min(60, Math.max(1, Math.ceil(this.holdMs / 1000)))});
  }

  /** The share of one invocation, empty at first. */
  open(): Hold {
    return new Hold(this);
  }
}

/** One invocation's share. Release it exactly once. */
export class Hold {
  readonly #budget: Budget;
  readonly #since: number;
  #bytes = 0;

  constructor(budget: Budget) {
    this.#budget = budget;
    this.#since = budget.clock.monotonic();
  }

  /** Holds so many bytes in all; a fault when they do not fit, and then no more than before. */
  grow(bytes: number): Fault | undefined {
    if (bytes <= this.#bytes) return undefined;
    if (this.#budget.overBytes + bytes - this.#bytes > 0) return this.#budget.full();
    this.#take(bytes);
    return undefined;
  }

  /** The same for the event, written as JSON text, which is longer; one that is alone always fits. */
  growWritten(bytes: number): Fault | undefined {
    // Whoever is alone was received within the limit: refused now, it would be refused for ever.
    if (this.#othersBytes() > 0) return this.grow(bytes);
    this.#take(Math.max(this.#bytes, bytes));
    return undefined;
  }

  release(): void {
    const budget = this.#budget;
    this.#take(0);
    budget.holdMs += (budget.clock.monotonic() - this.#since - budget.holdMs) / 10;
  }

  #take(bytes: number): void {
    this.#budget.heldBytes += bytes - this.#bytes;
    this.#bytes = bytes;
  }

  #othersBytes(): number {
    return this.#budget.heldBytes - this.#bytes;
  }
}
