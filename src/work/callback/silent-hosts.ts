import type {Clock} from '../../clock.ts';

/** How long a host that gave no answer is left alone. */
export const leaveMs = 30_000;

/**
Hosts that gave no answer in time. Each try takes as long as a try may, so a host that is away would take the places of all
others: while it is left alone there is one try, after a while, to see whether it is back.
*/
export class SilentHosts {
  readonly #clock: Pick<Clock, 'monotonic'>;
  /** Until when each is left alone. */
  readonly #until = new Map<string, number>();

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** Whether a host may be tried. Of a silent one it is the only try for a while. */
  passes(host: string): boolean {
    const until = this.#until.get(host);
    if (until === undefined) return true;
    if (until > this.#clock.monotonic()) return false;
    this.silent(host);
    return true;
  }

  /** It gave no answer. */
  silent(host: string): void {
    const now = this.#clock.monotonic();
    // Names below a host that is listed may be many; those that nobody has asked for since are forgotten.
    for (const [each, until] of this.#until) if (until + leaveMs < now) this.#until.delete(each);
    this.#until.set(host, now + leaveMs);
  }

  /** It answered something. */
  heard(host: string): void {
    this.#until.delete(host);
  }

  get size(): number {
    return this.#until.size;
  }
}
