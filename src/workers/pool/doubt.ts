/** For this long a process that may be blocked is given no call: meanwhile its spare is ready, most likely. */
const restMs = 1000;
/** An answer that is not older than this shows that a process is alive. */
const aliveMs = 1000;

/**
Whether a process still answers while one call in it does not end. One that answers serves on as before, until its spare is
ready. One that is silent may be blocked: it rests, then gets a single call, and the others only after any answer.
*/
export class Doubt {
  #answeredAt = Number.NEGATIVE_INFINITY;
  #isSilent = false;
  /** The single call that it was given. */
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

  /** It takes no further call before it has answered one. */
  get isTested(): boolean {
    return this.#hasProbe;
  }

  /** @returns true for the single call: `withdraw` when it was not sent */
  take(): boolean {
    if (!this.#isSilent || this.#hasProbe) return false;
    this.#hasProbe = true;
    return true;
  }

  withdraw(): void {
    this.#hasProbe = false;
  }
}
