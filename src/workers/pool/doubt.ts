/** A process that may be blocked gets no call for this long: most likely its spare is ready by then. */
const restMs = 1000;
/** A process whose last answer is not older than this is alive. */
const aliveMs = 1000;

/**
Whether a process still answers while one call in it does not end. A process that answers serves on as before, until its spare
is ready. A silent process may be blocked: it rests, then gets a single call (the probe), and more calls only after an answer.
*/
export class Doubt {
  #answeredAt = Number.NEGATIVE_INFINITY;
  #isSilent = false;
  /** It has been given the single call. */
  #hasProbe = false;

  /** A call was answered, at this monotonic time. */
  answered(now: number): void {
    this.#answeredAt = now;
    this.#isSilent = false;
    this.#hasProbe = false;
  }

  /** A call does not end. @returns how long the process should rest, in milliseconds */
  raise(now: number): number {
    if (now - this.#answeredAt <= aliveMs) return 0;
    this.#isSilent = true;
    return restMs;
  }

  /** It gets no further call before it has answered one. */
  get isTested(): boolean {
    return this.#hasProbe;
  }

  /** Takes note of a call. @returns true for the single call: `withdraw` when it ended */
  take(): boolean {
    if (!this.#isSilent || this.#hasProbe) return false;
    this.#hasProbe = true;
    return true;
  }

  /** The single call ended: unless there was an answer, the process gets another. */
  withdraw(): void {
    this.#hasProbe = false;
  }
}
