import type {Clock} from '../../src/clock.ts';
import {Fault} from '../../src/errors.ts';

/** The bytes of bodies and events that are received, queued or in flight; past the limit new ones are refused. */
export class Budget {
  readonly #maxBytes: number;
  readonly #clock: Clock;
  #heldBytes = 0;
  /** Mean time that a share is held, the newest weighing a tenth; for Retry-After. */
  #holdMs = 1000;

  constructor(maxBytes: number, clock: Clock) {
    this.#maxBytes = maxBytes;
    this.#clock = clock;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** The share of one invocation, empty at first. Release it exactly once. */
  open(): Hold {
    const startedAt = this.#clock.monotonic();
    let ownBytes = 0;
    const grow = (bytes: number, othersBytes: number): Fault | undefined => {
      if (bytes <= ownBytes) return undefined;
      if (othersBytes + bytes > this.#maxBytes) return this.#full();
      this.#heldBytes += bytes - ownBytes;
      ownBytes = bytes;
      return undefined;
    };
    return {
      grow: bytes => grow(bytes, this.#heldBytes - ownBytes),
      growWritten: bytes => {
        const othersBytes = this.#heldBytes - ownBytes;
        // Whoever is alone was received within the limit: refused now, it would be refused for ever.
        return othersBytes === 0 ? grow(Math.min(bytes, Math.max(ownBytes, this.#maxBytes)), 0) : grow(bytes, othersBytes);
      },
      release: () => {
        this.#heldBytes -= ownBytes;
        ownBytes = 0;
        this.#holdMs += (this.#clock.monotonic() - startedAt - this.#holdMs) / 10;
      },
    };
  }

  #full(): Fault {
    return new Fault('INFLIGHT_FULL', {retryAfterS: Math.min(60, Math.max(1, Math.ceil(this.#holdMs / 1000)))});
  }
}

export interface Hold {
  /** Holds so many bytes in all; a fault when they do not fit, and then no more than before. */
  grow(bytes: number): Fault | undefined;
  /** The same for the event, written as JSON text, which is longer; one that is alone always fits. */
  growWritten(bytes: number): Fault | undefined;
  release(): void;
}
