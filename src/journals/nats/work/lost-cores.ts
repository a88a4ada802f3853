import type {BoardHouse} from './board-house.ts';
import type {Item} from './item.ts';

/** Cores that held work and live no more. */
export class LostCores {
  readonly #house: Pick<BoardHouse, 'core' | 'cores'>;
  readonly #dead = new Set<string>();
  #isLooking = false;

  constructor(house: Pick<BoardHouse, 'core' | 'cores'>) {
    this.#house = house;
  }

  has(core = ''): boolean {
    return this.#dead.has(core);
  }

  /** Asks whether those live that hold work. @returns true when one does not; false also while it is asked already */
  async look(running: Iterable<Item>): Promise<boolean> {
    if (this.#isLooking) return false;
    this.#isLooking = true;
    try {
      const holders = new Set([...running].map(({holder = ''}) => holder));
      holders.delete(this.#house.core);
      for (const dead of this.#dead) if (!holders.has(dead)) this.#dead.delete(dead);
      for (const holder of holders) {
        if (await this.#house.cores.isAlive(holder)) this.#dead.delete(holder);
        else this.#dead.add(holder);
      }
    } catch {
      // The servers are away; it is looked again.
    }
    this.#isLooking = false;
    return this.#dead.size > 0;
  }

  end(): void {
    this.#isLooking = true;
  }
}
