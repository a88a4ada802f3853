/**
The followers of a journal that wait for its next facts. Each wait is a promise of its own: a race against one that
lives as long as the follower would keep every loser, and an open stream would hold some bytes for each fact for ever.
*/
export class Followers {
  readonly #waiting = new Set<() => void>();
  /** How often facts came; whoever asks what there is reads it before, so that what comes meanwhile is not missed. */
  times = 0;
  /** Followers, whether they wait or not. */
  count = 0;

  /** Facts came, or none will come any more. */
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
