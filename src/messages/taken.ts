import type {Extending} from './extend.ts';

/** What belongs to one connection. */
export interface Link {
  readonly taken: Taken;
  readonly extending: Extending;
  /** Aborts when the trigger closes, or the connection is lost. */
  readonly ending: AbortSignal;
}

/** Counts what was taken of a connection and is not over: it is settled over that connection, and so needs it. */
export class Taken {
  #count = 0;
  readonly #waiting: (() => void)[] = [];

  begin(): void {
    this.#count++;
  }

  end(): void {
    if (--this.#count === 0) for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Resolves when nothing of it is left. */
  over(): Promise<void> {
    return this.#count === 0 ? Promise.resolve() : new Promise(resolve => this.#waiting.push(resolve));
  }
}

/** Connections that wait for calls at a time. A broker that breaks off again and again would leave more and more of them behind. */
const mostSettling = 4;

/** Connections that nothing more is taken of, until what was taken is over: then they are disposed of. */
export class Settling {
  readonly #all = new Set<Promise<void>>();

  add(connection: AsyncDisposable, taken: Taken): void {
    const settled: Promise<void> = taken
      .over()
      .then(() => connection[Symbol.asyncDispose]())
      .catch(() => {}) // it may be gone
      .finally(() => this.#all.delete(settled));
    this.#all.add(settled);
  }

  /** Resolves when there is room for one more. */
  async room(): Promise<void> {
    while (this.#all.size >= mostSettling) await Promise.race(this.#all);
  }

  /** Resolves when those that are in it now are disposed of. */
  async over(): Promise<void> {
    await Promise.all(this.#all);
  }
}
