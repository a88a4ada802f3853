import type {Clock} from '../../clock.ts';
import {Fault} from '../../errors.ts';

const fewest = 8;
/** Longest wait for a turn. Nothing was sent until then. */
const turnMs = 15_000;
/** Those that are late together count once. */
const lateMs = 2000;
/** An answer that comes so soon after a write was sent says nothing of later: what was before it may have been on its way. */
const soonMs = 250;

/**
How many writes are on their way at a time. A server that is slow answers late, and what is sent again is one more write for it:
then fewer are sent, the others wait here, and more are sent again as answers come.
*/
export class Pace {
  readonly #most: number;
  readonly #clock: Pick<Clock, 'monotonic' | 'after'>;
  readonly #waiting: (() => void)[] = [];
  #limit: number;
  #onTheirWay = 0;
  #lateAt = Number.NEGATIVE_INFINITY;
  #answeredAt = Number.NEGATIVE_INFINITY;

  /** @param most writes that may be on their way at a time */
  constructor(most: number, clock: Pick<Clock, 'monotonic' | 'after'>) {
    this.#most = most;
    this.#limit = most;
    this.#clock = clock;
  }

  /** Since something was sent, a server has answered others, if only late: what is sent again makes it later. */
  hasAnswered(sentAt: number): boolean {
    return this.#answeredAt > sentAt + soonMs;
  }

  /** @throws Fault JOURNAL_BUSY when its turn does not come in time */
  async turn<T>(act: () => Promise<T>): Promise<T> {
    if (this.#waiting.length === 0 && this.#onTheirWay < this.#limit) this.#onTheirWay++;
    else await this.#comes();
    try {
      return await act();
    } finally {
      this.#onTheirWay--;
      this.#admit();
    }
  }

  answered(): void {
    this.#answeredAt = this.#clock.monotonic();
    if (this.#limit < this.#most) this.#limit++;
    this.#admit();
  }

  late(): void {
    const now = this.#clock.monotonic();
    if (now - this.#lateAt < lateMs) return;
    this.#lateAt = now;
    this.#limit = Math.max(fewest, Math.floor(Math.min(this.#limit, this.#onTheirWay) / 2));
  }

  #comes(): Promise<void> {
    return new Promise((resolve, reject) => {
      const begin = () => {
        stopTimer();
        resolve();
      };
      const stopTimer = this.#clock.after(turnMs, () => {
        this.#waiting.splice(this.#waiting.indexOf(begin), 1);
        reject(new Fault('JOURNAL_BUSY', {retryAfterS: 1}));
      });
      this.#waiting.push(begin);
    });
  }

  #admit(): void {
    while (this.#waiting.length > 0 && this.#onTheirWay < this.#limit) {
      this.#onTheirWay++;
      this.#waiting.shift()?.();
    }
  }
}
