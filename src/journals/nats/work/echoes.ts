import type {BoardHouse} from './board-house.ts';

/** How long is waited until the servers tell of what this core has written itself. */
const echoMs = 2000;

/** Those who wait until this core hears what it has written. */
export class Echoes {
  readonly #house: Pick<BoardHouse, 'after'>;
  readonly #waiting = new Set<{readonly sequence: number; readonly resolve: () => void}>();

  constructor(house: Pick<BoardHouse, 'after'>) {
    this.#house = house;
  }

  /** All messages up to this one were heard. */
  heard(sequence: number): void {
    for (const echo of this.#waiting) if (echo.sequence <= sequence) echo.resolve();
  }

  /** Resolves when a message was heard, or is late: it may have been removed since. */
  async of(sequence: number): Promise<void> {
    const {promise, resolve} = Promise.withResolvers<void>();
    const echo = {sequence, resolve};
    this.#waiting.add(echo);
    const stopTimer = this.#house.after(echoMs, resolve);
    await promise;
    stopTimer();
    this.#waiting.delete(echo);
  }
}
