import {Fault} from '../../errors.ts';
import type {JournalHouse} from '../engine.ts';
import type {Transport} from './transport.ts';

/** How often it is tried whether the servers keep anything again. */
const tryMs = 1000;

export interface KeepingHouse extends Pick<JournalHouse, 'clock' | 'log'> {
  readonly transport: Transport;
  /** Resolves when a majority of the servers has kept something. */
  tryIt(): Promise<unknown>;
}

/** Knows whether the servers keep what is appended: they are there, and the last append was kept. */
export class Keeping {
  readonly #house: KeepingHouse;
  #isKept = true;
  #isTrying = false;
  #isEnded = false;
  #stop = () => {};

  constructor(house: KeepingHouse) {
    this.#house = house;
    house.transport.onChange(isConnected => {
      if (this.#isEnded) return;
      house.log[isConnected ? 'info' : 'error']({}, isConnected ? 'The journal’s servers are back' : 'The journal’s servers are away');
    });
  }

  get isDurable(): boolean {
    return this.#isKept && this.#house.transport.isConnected;
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
    this.#isEnded = true;
    this.#stop();
  }

  #lost(error: unknown): void {
    if (this.#isKept) this.#house.log.error({cause: causeOf(error)}, 'The journal cannot be written: nothing is acknowledged until it can');
    this.#isKept = false;
    if (this.#isTrying || this.#isEnded) return;
    this.#isTrying = true;
    this.#tryLater();
  }

  #tryLater(): void {
    this.#stop = this.#house.clock.after(tryMs, () => {
      this.#house.tryIt().then(
        () => {
          if (!this.#isKept) this.#house.log.info({}, 'The journal can be written again');
          this.#isKept = true;
          this.#isTrying = false;
        },
        () => this.#isEnded || this.#tryLater(),
      );
    });
  }
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? causeOf(error.cause) : error.message;
}
