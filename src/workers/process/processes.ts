import type {ExitReason} from '../../facts.ts';
import type {Purpose} from './parts.ts';
import type {SubRuntime} from './sub-runtime.ts';

/** The process that serves and its spare or successor; or the process that took over, and the one that is still ending. */
const mostProcesses = 2;

/** The part that a process has in its place. */
export type Role = 'serving' | 'next' | 'past';

/** The processes of a place: which one serves, which one is to take over, which are ending. There are never more than two, unless a reload allows it. */
export class Processes {
  /** Every process that has not ended, the oldest first. */
  readonly #all = new Set<SubRuntime>();
  /** The process that serves, or will once it is ready. */
  #current: SubRuntime | undefined;
  /** The process that is to take over from it: a spare, or newer code. */
  #next: SubRuntime | undefined;

  get current(): SubRuntime | undefined {
    return this.#current;
  }

  get hasNext(): boolean {
    return this.#next !== undefined;
  }

  get size(): number {
    return this.#all.size;
  }

  /** A process that no longer serves still has calls that callers wait for. */
  get isPastWaitedFor(): boolean {
    return [...this.#all].some(subRuntime => this.roleOf(subRuntime) === 'past' && subRuntime.isWaitedFor);
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
  Before another process is started: ends a successor that is not wanted any more, and the oldest processes that no longer serve.

  @param most processes that there may be then
  */
  async makeRoom(most = mostProcesses): Promise<void> {
    await this.#next?.end('reloaded');
    for (const subRuntime of this.#all) {
      if (this.#all.size < most) return;
      if (subRuntime !== this.#current) await subRuntime.end('reloaded');
    }
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
    for (const other of this.#all) if (other !== this.#current) void other.retire(reason);
  }
}
