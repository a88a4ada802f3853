import type {Clock} from './clock.ts';
import {Fault} from './errors.ts';

/** What the core holds for others, by what it is; the same words are the label `kind` of the metric. */
export const heldKinds = ['head', 'body', 'event', 'reply', 'stream', 'log'] as const;

export type HeldKind = (typeof heldKinds)[number];

/**
The one account of memory: every byte that a caller, a function or a reader makes this process hold. A process has one,
lent to whoever holds such bytes. Past the limit no more is taken in.
*/
export class Budget {
  readonly maxBytes: number;
  readonly clock: Clock;
  /** All kinds together. */
  heldBytes = 0;
  readonly #bytes: Record<HeldKind, number> = {head: 0, body: 0, event: 0, reply: 0, stream: 0, log: 0};
  /** Mean time that a share is held, the newest weighing a tenth; for Retry-After. */
  holdMs = 1000;

  constructor(maxBytes: number, clock: Clock) {
    this.maxBytes = maxBytes;
    this.clock = clock;
  }

  /** Above 0: so much has to go. */
  get overBytes(): number {
    return this.heldBytes - this.maxBytes;
  }

  bytesOf(kind: HeldKind): number {
    return this.#bytes[kind];
  }

  full(): Fault {
    return new Fault('INFLIGHT_FULL', {retryAfterS: Math.min(60, Math.max(1, Math.ceil(this.holdMs / 1000)))});
  }

  /** A share of somebody's own, empty at first. */
  open(kind: HeldKind): Hold {
    return new Hold(this, kind);
  }

  /** For shares only: they know what they hold already. */
  add(kind: HeldKind, bytes: number): void {
    this.#bytes[kind] += bytes;
    this.heldBytes += bytes;
  }
}

/** One share of the budget. Whoever opens it releases it; to release it again does nothing. */
export class Hold {
  readonly #budget: Budget;
  readonly #since: number;
  #kind: HeldKind;
  #bytes = 0;
  #isReleased = false;

  constructor(budget: Budget, kind: HeldKind) {
    this.#budget = budget;
    this.#kind = kind;
    this.#since = budget.clock.monotonic();
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Holds so many bytes in all, never fewer than before; a fault when they do not fit, and then no more than before. */
  grow(bytes: number): Fault | undefined {
    if (bytes <= this.#bytes) return undefined;
    if (this.#budget.overBytes + bytes - this.#bytes > 0) return this.#budget.full();
    this.set(bytes);
    return undefined;
  }

  /**
  The same for a form of the bytes that was made here and is longer, such as the event written as JSON. When nobody
  else holds anything it always fits: it was received within the limit, so refusing it now would refuse it every time.
  */
  growAlone(bytes: number): Fault | undefined {
    if (this.#budget.heldBytes > this.#bytes) return this.grow(bytes);
    if (bytes > this.#bytes) this.set(bytes);
    return undefined;
  }

  /** Holds exactly so many bytes, whether they fit or not: they are there already, or are gone. */
  set(bytes: number): void {
    if (this.#isReleased) return;
    this.#budget.add(this.#kind, bytes - this.#bytes);
    this.#bytes = bytes;
  }

  /** The bytes are something else from now on, such as a body that became an event. */
  become(kind: HeldKind): void {
    const bytes = this.#bytes;
    this.set(0);
    this.#kind = kind;
    this.set(bytes);
  }

  release(): void {
    if (this.#isReleased) return;
    this.set(0);
    this.#isReleased = true;
    const budget = this.#budget;
    budget.holdMs += (budget.clock.monotonic() - this.#since - budget.holdMs) / 10;
  }
}
