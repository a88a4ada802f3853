import type {Clock} from '../../clock.ts';
import type {OomCounter} from './cgroup.ts';
import {type MemoryGroup, openMemoryGroup} from './group.ts';
import {outgrows} from './resident.ts';

/** What keeps one process within its memory, and tells whether that ended it. Open it before the process is started. */
export class MemoryLimit {
  readonly #ooms: OomCounter;
  readonly #clock: Clock;
  readonly #killsBefore: number;
  readonly #over = new AbortController();
  /** Where the kernel itself keeps the limit. */
  #group: MemoryGroup | undefined;

  constructor(ooms: OomCounter, clock: Clock) {
    this.#ooms = ooms;
    this.#clock = clock;
    this.#killsBefore = ooms.kills();
  }

  /** By the kernel where it lets us, else by looking again and again. */
  limit(pid: number, bytes: number, onOutgrown: () => void): void {
    this.#group = openMemoryGroup(pid, bytes, this.#clock);
    if (!this.#group) void outgrows(pid, bytes, this.#clock, this.#over.signal).then(isOver => isOver && onOutgrown());
  }

  /** The kernel has ended a process for want of memory since, here or, without a group, somewhere around us. */
  get wasExceeded(): boolean {
    return this.#ooms.kills() > this.#killsBefore || (this.#group?.kills() ?? 0) > 0;
  }

  /** The process is gone. */
  close(): void {
    this.#over.abort();
    this.#group?.close();
  }
}
