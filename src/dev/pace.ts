/** The same files may change so often in a row, each time this soon after the last, before they are looked at less often. */
const mostInARow = 10;
const soonMs = 1000;
const slowMs = 2000;

/** Slows down for files that change without an end, as when the function writes its own code with a new text at each start. */
export class Pace {
  #files = '';
  #times = 0;
  #at = Number.NEGATIVE_INFINITY;

  get #isSlow(): boolean {
    return this.#times >= mostInARow;
  }

  /** @returns milliseconds until edits should be looked at, at the earliest */
  waitMs(now: number): number {
    return this.#isSlow ? Math.max(0, this.#at + slowMs - now) : 0;
  }

  /** @returns true when it slows down from now on */
  count(files: readonly string[], now: number): boolean {
    const names = files.toSorted().join('\n');
    const isInARow = names === this.#files && now - this.#at < (this.#isSlow ? slowMs : 0) + soonMs;
    const wasSlow = this.#isSlow;
    this.#files = names;
    this.#at = now;
    this.#times = isInARow ? this.#times + 1 : 1;
    return this.#isSlow && !wasSlow;
  }
}
