import type {ExitReason} from '../../facts.ts';
import type {Occupant, Purpose} from './occupant.ts';

/** The process that serves and its spare or successor; or the one that took over, and the one that still ends. */
const mostProcesses = 2;

/** What a process is to its place. */
export type Role = 'serving' | 'next' | 'past';

/** The one account of the processes of a place: who serves, who is to take over, who is on its way out. Never more than two. */
export class Processes {
  /** Every process that has not ended, the oldest first. */
  readonly #all = new Set<Occupant>();
  /** The process that serves, or will once it is ready. */
  #current: Occupant | undefined;
  /** The process that is to take over from it: a spare, or newer code. */
  #next: Occupant | undefined;

  get current(): Occupant | undefined {
    return this.#current;
  }

  get hasNext(): boolean {
    return this.#next !== undefined;
  }

  get size(): number {
    return this.#all.size;
  }

  [Symbol.iterator](): Iterator<Occupant> {
    return this.#all.values();
  }

  /** Whether one more process should be started. */
  wants(purpose: Purpose): boolean {
    if (purpose === 'start') return this.#current === undefined && this.#next === undefined;
    return purpose === 'reload' || (this.#current?.isStuck === true && this.#next === undefined);
  }

  /** Ends a successor that is not wanted any more, and the oldest process that has been taken over from, before another is started. */
  async makeRoom(): Promise<void> {
    await this.#next?.end('reloaded');
    for (const occupant of this.#all) {
      if (this.#all.size < mostProcesses) return;
      if (occupant !== this.#current) await occupant.end('reloaded');
    }
  }

  add(occupant: Occupant): void {
    this.#all.add(occupant);
    if (occupant.purpose === 'start') this.#current = occupant;
    else this.#next = occupant;
  }

  roleOf(occupant: Occupant): Role {
    if (occupant === this.#current) return 'serving';
    return occupant === this.#next ? 'next' : 'past';
  }

  /** It is gone. */
  remove(occupant: Occupant): void {
    this.#all.delete(occupant);
    if (occupant === this.#current) this.#current = undefined;
    if (occupant === this.#next) this.#next = undefined;
  }

  /** The successor serves from now on; the others end once nobody waits for a call in them. */
  takeOver(): void {
    this.#current = this.#next;
    this.#next = undefined;
    const reason: ExitReason = this.#current?.purpose === 'reload' ? 'reloaded' : 'stuck';
    for (const other of this.#all) if (other !== this.#current) void other.retire(reason);
  }
}
