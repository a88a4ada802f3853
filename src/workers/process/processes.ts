import type {ExitReason} from '../../facts.ts';
import type {Purpose} from './parts.ts';
import type {SubRuntime} from './sub-runtime.ts';

/** The process that serves and its spare or successor; or the process that took over, and the one that is still ending. */
const mostProcesses = 2;
/** The same with those that reloads have left behind, for the calls in them. */
const mostGenerations = 5;

/** The part that a process has in its place. */
export type Role = 'serving' | 'next' | 'past';

/**
The processes of a place: which one serves, which one is to take over, which are ending. There are never more than two, beside
those that reloads have left behind and that callers still wait for; never more than five in all.
*/
export class Processes {
  /** Every process that has not ended, the oldest first. */
  readonly #all = new Set<SubRuntime>();
  /** The process that serves, or will once it is ready. */
  #current: SubRuntime | undefined;
  /** The process that is to take over from it: a spare, or newer code. */
  #next: SubRuntime | undefined;
  /** Those that newer code took over from: the calls in them may finish. */
  readonly #left = new WeakSet<SubRuntime>();

  get current(): SubRuntime | undefined {
    return this.#current;
  }

  get hasNext(): boolean {
    return this.#next !== undefined;
  }

  get size(): number {
    return this.#all.size;
  }

  /** A process that no longer serves, as it was stuck, still has calls that callers wait for. */
  get isPastWaitedFor(): boolean {
    return [...this.#all].some(each => this.roleOf(each) === 'past' && each.isWaitedFor && !this.#left.has(each));
  }

  /** Processes that reloads have left behind and that callers still wait for. */
  get kept(): number {
    return [...this.#all].filter(subRuntime => this.#isKept(subRuntime)).length;
  }

  #isKept(subRuntime: SubRuntime): boolean {
    return this.#left.has(subRuntime) && subRuntime.isWaitedFor;
  }

  [Symbol.iterator](): Iterator<SubRuntime> {
    return this.#all.values();
  }

  /** Whether one more process should be started. */
  wants(purpose: Purpose): boolean {
    if (purpose === 'start') return this.#current === undefined && this.#next === undefined;
    return purpose === 'reload' || (this.#current?.isStuck === true && this.#next === undefined);
  }

  /**
  Before another process is started: ends a successor that is not wanted any more, and the oldest of those that no longer serve
  and that nobody waits for, or that were stuck.

  @param supersedes if there is no room, the oldest that a reload has left behind loses its calls, too
  @returns whether there is room
  */
  async makeRoom(supersedes: boolean): Promise<boolean> {
    await this.#next?.end('reloaded');
    for (const subRuntime of this.#all) {
      if (this.#all.size - this.kept < mostProcesses) break;
      if (subRuntime !== this.#current && !this.#isKept(subRuntime)) await subRuntime.end('reloaded');
    }
    if (this.#all.size < mostGenerations) return true;
    const oldest = [...this.#all].find(subRuntime => subRuntime !== this.#current);
    if (supersedes) await oldest?.end('reloaded');
    return supersedes;
  }

  add(subRuntime: SubRuntime): void {
    this.#all.add(subRuntime);
    if (subRuntime.purpose === 'start') this.#current = subRuntime;
    else this.#next = subRuntime;
  }

  /**
  Whether a process that is ready serves from now on. One that could not load its handler takes over from none that serves,
  and a spare from none that has recovered: it keeps what it has in memory.
  */
  isFit(subRuntime: SubRuntime, isLoaded: boolean): boolean {
    if (subRuntime === this.#current) return true;
    if (subRuntime.purpose === 'spare') return !this.#current || (isLoaded && this.#current.isStuck);
    return isLoaded;
  }

  roleOf(subRuntime: SubRuntime): Role {
    if (subRuntime === this.#current) return 'serving';
    return subRuntime === this.#next ? 'next' : 'past';
  }

  /** The process is gone. */
  remove(subRuntime: SubRuntime): void {
    this.#all.delete(subRuntime);
    if (subRuntime === this.#current) this.#current = undefined;
    if (subRuntime === this.#next) this.#next = undefined;
  }

  /** The successor serves from now on; the others end once nobody waits for a call in them. */
  takeOver(): void {
    this.#current = this.#next;
    this.#next = undefined;
    const reason: ExitReason = this.#current?.purpose === 'reload' ? 'reloaded' : 'stuck';
    for (const other of this.#all) {
      if (other === this.#current) continue;
      if (reason === 'reloaded' && !other.isLeaving) this.#left.add(other);
      void other.retire(reason);
    }
  }
}
