/**
Does things of the same kind many at a time: what is added while a batch is away goes with the next one. Each of them succeeds
or fails by itself.
*/
export class Batches<T> {
  readonly #most: number;
  /** Resolves with what went wrong with some of them, by their index. */
  readonly #act: (batch: readonly T[]) => Promise<ReadonlyMap<number, Error>>;
  readonly #waiting: {readonly one: T; readonly over: PromiseWithResolvers<void>}[] = [];
  #away = 0;
  /** Those of them that have not taken what waits. */
  #starting = 0;

  constructor(most: number, act: (batch: readonly T[]) => Promise<ReadonlyMap<number, Error>>) {
    this.#most = most;
    this.#act = act;
  }

  /** Resolves when it is done. @throws what went wrong with it, or with its whole batch */
  add(one: T): Promise<void> {
    const over = Promise.withResolvers<void>();
    this.#waiting.push({one, over});
    const isNextFull = this.#waiting.length >= this.#most * (this.#starting + 1);
    if (this.#away < (isNextFull ? mostAway : usuallyAway)) {
      this.#away++;
      this.#starting++;
      void this.#run();
    }
    return over.promise;
  }

  async #run(): Promise<void> {
    await Promise.resolve(); // what is added in the same turn goes along
    this.#starting--;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, this.#most);
      try {
        const failed = await this.#act(batch.map(({one}) => one));
        for (const [index, {over}] of batch.entries()) {
          const error = failed.get(index);
          if (error) over.reject(error);
          else over.resolve();
        }
      } catch (error) {
        for (const {over} of batch) over.reject(error);
      }
    }
    this.#away--;
  }
}

/** Batches that are on their way at a time, and how many while the next ones are full. */
const [usuallyAway, mostAway] = [2, 16];
