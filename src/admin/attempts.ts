import type {Clock} from '../clock.ts';

/** Wrong tokens that an address may send at once, and how often it may send one more. */
const mostAtOnce = 20;
const everyMs = 3000;
/** Addresses that are remembered. With more, the one that was wrong first is forgotten. */
const mostAddresses = 1000;

/** Counts wrong tokens by address, so that who sends many of them is told to wait. */
export class Attempts {
  readonly #clock: Pick<Clock, 'monotonic'>;
  /** The time at which an address has no wrong token to its name any more. */
  readonly #clearAt = new Map<string, number>();

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** Seconds until a wrong token from an address is refused without a wait again; 0: now. */
  waitS(address: string): number {
    const overMs = (this.#clearAt.get(networkOf(address)) ?? 0) - this.#clock.monotonic() - (mostAtOnce - 1) * everyMs;
    return overMs > 0 ? Math.ceil(overMs / 1000) : 0;
  }

  wasWrong(address: string): void {
    const network = networkOf(address);
    const clearAt = Math.max(this.#clearAt.get(network) ?? 0, this.#clock.monotonic()) + everyMs;
    this.#clearAt.delete(network);
    this.#clearAt.set(network, clearAt);
    for (const first of this.#clearAt.keys()) {
      if (this.#clearAt.size <= mostAddresses) return;
      this.#clearAt.delete(first);
    }
  }
}

/** Whoever has an IPv6 address has 2^64 of them: they count as one. */
function networkOf(address: string): string {
  if (!address.includes(':') || address.includes('.')) return address;
  const [head = '', tail] = address.split('::');
  const first = head === '' ? [] : head.split(':');
  const last = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : 8 - first.length - last.length;
  return [...first, ...Array(zeros).fill('0'), ...last].slice(0, 4).join(':');
}
