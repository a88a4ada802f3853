import {Fault} from '../../errors.ts';
import type {JournalHouse} from '../engine.ts';
import type {Transport} from './transport.ts';

/** How often it is tried whether the servers keep anything again. */
const tryMs = 1000;

/** Knows whether the servers keep what is appended: they are there, and the last append was kept. */
export class Keeping {
  readonly #transport: Transport;
  readonly #house: Pick<JournalHouse, 'clock' | 'log'>;
  readonly #tryIt: () => Promise<unknown>;
  #isKept = true;
  #isTrying = false;
  #stop = () => {};

  /** @param tryIt resolves when a majority of the servers has kept something */
  constructor(transport: Transport, house: Pick<JournalHouse, 'clock' | 'log'>, tryIt: () => Promise<unknown>) {
    this.#transport = transport;
    this.#house = house;
    this.#tryIt = tryIt;
  }

  get isDurable(): boolean {
    return this.#isKept && this.#transport.isConnected;
  }

  /** Notes how an append ends. */
  async noting<T>(appending: Promise<T>): Promise<T> {
    try {
      const kept = await appending;
      this.#isKept = true;
      return kept;
    } catch (error) {
      if (error instanceof Fault && error.code === 'JOURNAL_FAILED') this.#lost(error);
      throw error;
    }
  }

  end(): void {
    this.#isTrying = true;
    this.#stop();
  }

  #lost(error: unknown): void {
    if (this.#isKept) this.#house.log.error({cause: causeOf(error)}, 'The journal cannot be written: nothing is acknowledged until it can');
    this.#isKept = false;
    if (this.#isTrying) return;
    this.#isTrying = true;
    this.#tryLater();
  }

  #tryLater(): void {
    this.#stop = this.#house.clock.after(tryMs, () => {
      this.#tryIt().then(
        () => {
          if (!this.#isKept) this.#house.log.info({}, 'The journal can be written again');
          this.#isKept = true;
          this.#isTrying = false;
        },
        () => this.#tryLater(),
      );
    });
  }
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? causeOf(error.cause) : error.message;
}
