/**
The followers of a journal that wait for its next facts. Each wait has a promise of its own. A race against one promise that
lives as long as the follower would keep every promise that lost, so that an open stream would hold more and more bytes.
*/
export class Followers {
  readonly #waiting = new Set<() => void>();
  /** How often facts came. A follower reads this before it asks for facts, so that it misses none that come meanwhile. */
  times = 0;
  /** How many followers there are, waiting or not. */
  count = 0;

  /** Called when facts came, or when no more will come. */
  wake(): void {
    this.times++;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }

  /** Resolves once facts came more often than `times`, or the signal aborts. */
  async next(times: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.times !== times) return;
    const {promise, resolve} = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    signal.addEventListener('abort', wakeUp, {once: true});
    await promise;
    signal.removeEventListener('abort', wakeUp);
    this.#waiting.delete(resolve);

    function wakeUp() {
      resolve();
    }
  }
}
