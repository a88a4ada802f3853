/** What past calls tell of how long the next ones will take. */
export class ServiceTime {
  /** Mean time of a call in milliseconds, the newest weighing a tenth; 0 before the first. */
  #meanMs = 0;

  /** A call took so long. */
  learn(ms: number): void {
    this.#meanMs += this.#meanMs === 0 ? ms : (ms - this.#meanMs) / 10;
  }

  /** When so many calls that wait for so many places will have been served. */
  queueMs(waiting: number, places: number): number {
    return (waiting * this.#meanMs) / Math.max(1, places);
  }
}

/** When trying again makes sense, in seconds, from 1 to 60. */
export const retryAfterS = (queueMs: number) => Math.min(60, Math.max(1, Math.ceil(queueMs / 1000)));
