import type {Clock} from '../../clock.ts';

/** Pause after a spare that did not become ready, doubled with each in a row, while the stuck process serves on. */
const againMs = 1000;
const longestAgainMs = 60_000;

export interface SparesHouse {
  readonly clock: Clock;
  /** Aborts when the core stops: then no spare starts. */
  readonly stopping: AbortSignal;
  launch(): Promise<unknown>;
}

/** Starts the spares of one place, one at a time. */
export class Spares {
  readonly #house: SparesHouse;
  #isStarting = false;
  #failed = 0;

  constructor(house: SparesHouse) {
    this.#house = house;
  }

  /** A spare is being started, or its start is awaited. */
  get isStarting(): boolean {
    return this.#isStarting;
  }

  start(): Promise<void> {
    return this.#startAfter(0);
  }

  /** The last spare did not become ready: starts another after a pause. */
  startAgain(): Promise<void> {
    return this.#startAfter(Math.min(againMs * 2 ** this.#failed++, longestAgainMs));
  }

  /** One became ready. */
  succeeded(): void {
    this.#failed = 0;
  }

  async #startAfter(delayMs: number): Promise<void> {
    const {clock, stopping, launch} = this.#house;
    this.#isStarting = true;
    if (await clock.sleep(delayMs, stopping)) await launch();
    this.#isStarting = false;
  }
}
