import type {Clock} from '../clock.ts';

/** Wrong tokens that an address may send at once, and how often it may send one more. */
const mostAtOnce = 20;
const everyMs = 3000;
/** Addresses that are remembered. With more, the one that was wrong first is forgotten. */
const mostAddresses = 1000;

/** Counts wrong tokens by address, so that nobody can try many. */
export class Attempts {
  readonly #clock: Pick<Clock, 'monotonic'>;
  /** The time at which an address has no wrong token to its name any more. */
  readonly #clearAt = new Map<string, number>();

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** Seconds until an address may send a token again; 0: now. */
  waitS(address: string): number {
    const overMs = (this.#clearAt.get(address) ?? 0) - this.#clock.monotonic() - (mostAtOnce - 1) * everyMs;
    return overMs > 0 ? Math.ceil(overMs / 1000) : 0;
  }

  wasWrong(address: string): void {
    const clearAt = Math.max(this.#clearAt.get(address) ?? 0, this.#clock.monotonic()) + everyMs;
    this.#clearAt.delete(address);
    this.#clearAt.set(address, clearAt);
    for (const first of this.#clearAt.keys()) {
      if (this.#clearAt.size <= mostAddresses) return;
      this.#clearAt.delete(first);
    }
  }
}
