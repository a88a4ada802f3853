/** Room for a number of things at a time. Who comes first gets in first. */
export class Slots {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(free: number) {
    this.#free = free;
  }

  /** @returns false when the signal aborted first; then there is nothing to leave */
  enter(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.resolve(false);
    if (this.#free > 0) {
      this.#free--;
      return Promise.resolve(true);
    }
    return new Promise(resolve => {
      const stop = () => {
        this.#waiting.delete(go);
        resolve(false);
      };
      const go = () => {
        signal.removeEventListener('abort', stop);
        resolve(true);
      };
      this.#waiting.add(go);
      signal.addEventListener('abort', stop, {once: true});
    });
  }

  /** Hands the place to the next one that waits. */
  leave(): void {
    const [next] = this.#waiting;
    if (!next) this.#free++;
    else {
      this.#waiting.delete(next);
      next();
    }
  }
}
