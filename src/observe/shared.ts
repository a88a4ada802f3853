import type {Clock} from '../clock.ts';

/** The rest after a piece of work is this many times as long as the work. */
const restFactor = 9;
const longestRestMs = 250;

/**
Does costly work once for all callers that ask at the same time, and spends a tenth of the time on it at most: a scrape takes
milliseconds, and a stranger that reaches a listener may ask for thousands. A caller that asks during the work, or in the rest
after it, gets the result of the next work, so that no answer is older than its question.
*/
export class Shared<T> {
  readonly #work: () => Promise<T>;
  readonly #clock: Pick<Clock, 'monotonic' | 'after'>;
  #next: Promise<T> | undefined;
  #rested: Promise<void> = Promise.resolve();

  constructor(work: () => Promise<T>, clock: Pick<Clock, 'monotonic' | 'after'>) {
    this.#work = work;
    this.#clock = clock;
  }

  ask(): Promise<T> {
    this.#next ??= this.#begin();
    return this.#next;
  }

  async #begin(): Promise<T> {
    await this.#rested;
    this.#next = undefined;
    const beganAt = this.#clock.monotonic();
    const work = this.#work();
    const rest = () => this.#rest(this.#clock.monotonic() - beganAt);
    this.#rested = work.then(rest, rest);
    return work;
  }

  #rest(spentMs: number): Promise<void> | undefined {
    if (spentMs <= 0) return undefined;
    return new Promise(resolve => void this.#clock.after(Math.min(longestRestMs, restFactor * spentMs), resolve));
  }
}
