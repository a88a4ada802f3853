/** So many replies are posted without taking places from work. */
const freePosts = 32;

/** What a run takes a place of: those of work, none as a caller waits, or none as the function is not called. */
export type RunKind = 'background' | 'waited' | 'callback';

/** An item that runs here. */
export interface Run {
  readonly abort: AbortController;
  isCancelled: boolean;
  readonly kind: RunKind;
  ended: Promise<unknown>;
}

/** The items that run in this core. */
export class Runs {
  readonly #runs = new Map<string, Run>();

  /** @param over called when it has ended */
  launch(id: string, kind: RunKind, act: (run: Run) => Promise<void>, over: () => void): void {
    const run: Run = {abort: new AbortController(), isCancelled: false, kind, ended: Promise.resolve()};
    this.#runs.set(id, run);
    run.ended = act(run).finally(() => {
      this.#runs.delete(id);
      over();
    });
  }

  has(id: string): boolean {
    return this.#runs.has(id);
  }

  /** Asks an item to stop. @returns false when it does not run here */
  cancel(id: string): boolean {
    const run = this.#runs.get(id);
    if (!run) return false;
    run.isCancelled = true;
    run.abort.abort();
    return true;
  }

  /** Cuts off items that other cores may run by now: what comes of them here does not count. */
  cutOff(ids: readonly string[]): void {
    for (const id of ids) this.#runs.get(id)?.abort.abort();
  }

  /** Places for work that are free. @param all how many there are */
  free(all: number): number {
    let [busy, posting] = [0, 0];
    for (const {kind} of this.#runs.values()) {
      if (kind === 'background') busy++;
      if (kind === 'callback') posting++;
    }
    return all - busy - Math.max(0, posting - freePosts);
  }

  /** Resolves when none is left. */
  async over(): Promise<void> {
    while (this.#runs.size > 0) await Promise.all([...this.#runs.values()].map(({ended}) => ended));
  }
}
