import type {Clock} from '../../clock.ts';
import type {OomCounter} from './cgroup.ts';
import {type MemoryGroup, openMemoryGroup} from './group.ts';
import {outgrows} from './resident.ts';

/** Keeps one process within its memory, and knows whether the limit ended it. Make it before the process is started. */
export class MemoryLimit {
  readonly #ooms: OomCounter;
  readonly #clock: Clock;
  readonly #killsBefore: number;
  readonly #over = new AbortController();
  /** Set where the kernel itself enforces the limit. */
  #group: MemoryGroup | undefined;

  constructor(ooms: OomCounter, clock: Clock) {
    this.#ooms = ooms;
    this.#clock = clock;
    this.#killsBefore = ooms.kills();
  }

  /** Leaves the limit to the kernel where it lets us, else looks at the memory again and again. */
  limit(pid: number, bytes: number, onOutgrown: () => void): void {
    this.#group = openMemoryGroup(pid, bytes, this.#clock);
    if (!this.#group) void outgrows(pid, bytes, this.#clock, this.#over.signal).then(isOver => isOver && onOutgrown());
  }

  /** The kernel has killed a process for lack of memory since: in the group, or without a group anywhere around us. */
  get wasExceeded(): boolean {
    return this.#ooms.kills() > this.#killsBefore || (this.#group?.kills() ?? 0) > 0;
  }

  /** The process is gone. */
  close(): void {
    this.#over.abort();
    this.#group?.close();
  }
}
