import type {Clock} from '../../clock.ts';
import {Fault} from '../../errors.ts';

const pauseMs = {first: 250, most: 30_000};

/** Claims that are reported to have failed, and may have been kept all the same. Nobody knows of them, so they are given back. */
export class Unheard {
  readonly #clock: Pick<Clock, 'sleep'>;
  readonly #giveBack: (id: string, epoch: number) => Promise<unknown>;
  readonly #closing = new AbortController();

  /** @param giveBack makes an item due that was claimed with this epoch, if it was */
  constructor(clock: Pick<Clock, 'sleep'>, giveBack: (id: string, epoch: number) => Promise<unknown>) {
    this.#clock = clock;
    this.#giveBack = giveBack;
  }

  /** What becomes of a claim. Rejects as the claim does. */
  async hear<T>(id: string, epoch: number, claim: Promise<T>): Promise<T> {
    try {
      return await claim;
    } catch (error) {
      if (error instanceof Fault && error.code === 'JOURNAL_FAILED') void this.#insist(id, epoch);
      throw error;
    }
  }

  async #insist(id: string, epoch: number): Promise<void> {
    for (let pause = pauseMs.first; await this.#clock.sleep(pause, this.#closing.signal); pause = Math.min(2 * pause, pauseMs.most)) {
      try {
        await this.#giveBack(id, epoch);
        return;
      } catch {
        // The journal is still away.
      }
    }
  }

  /** Gives nothing back any more: the end of the lease does. */
  close(): void {
    this.#closing.abort();
  }
}
