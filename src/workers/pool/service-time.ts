/** Estimates from past calls how long the next ones will take. */
export class ServiceTime {
  /** Mean time of a call in milliseconds, in which the newest call counts a tenth; 0 before the first call. */
  #meanMs = 0;

  /** Adds the time of one more call to the mean. */
  learn(ms: number): void {
    this.#meanMs += this.#meanMs === 0 ? ms : (ms - this.#meanMs) / 10;
  }

  /** How long it will take to serve the waiting calls, with this many places. */
  queueMs(waiting: number, places: number): number {
    return (waiting * this.#meanMs) / Math.max(1, places);
  }
}

/** After how many seconds, from 1 to 60, a refused caller should try again. */
export const retryAfterS = (queueMs: number) => Math.min(60, Math.max(1, Math.ceil(queueMs / 1000)));
