import type {HeldKind} from '../../limits/budget.ts';
import type {Shares} from '../../limits/shares.ts';
import type {Census} from '../../work.ts';

/** Values that the metrics ask other parts of the core for at each scrape. */
export interface Gauges {
  /** Sub-runtimes that can take a call now. */
  runtimesUp(): number;
  /** The number of processes that exist in each place of the pool. */
  runtimeProcesses(): readonly number[];
  /** Resident bytes of the sub-runtimes; 0 where the system does not say. */
  runtimesResidentBytes(): number;
  bytesHeld(kind: HeldKind): number;
  /** Large bodies that wait for their turn to be received. */
  bodiesWaiting(): number;
  /** How the memory is divided. */
  readonly shares: Shares;
  /** True while facts survive the process. */
  isDurable(): boolean;
  /** How the servers of the journal are; undefined where it has none. */
  journalServers(): JournalServers | undefined;
  /** What became of the events since the stop began; undefined before. */
  drain(): DrainReport | undefined;
  /** Processes of this core that serve. */
  processesUp(): number;
  /** How much work waits and runs; undefined in a process that has none. */
  census(): Promise<Census> | undefined;
  /** Callers who wait for the end of work. */
  workWaiters(): number;
}

export interface JournalServers {
  /** What keeps it: `nats`, `postgres`. */
  readonly engine: string;
  readonly isConnected: boolean;
  readonly copies?: {readonly wanted: number; readonly current: number; readonly behind: number} | undefined;
  readonly sweptAgoMs: number;
  readonly changes?: number;
  readonly synced?: {readonly isSeen: boolean} | undefined;
}

/** Accepted = completed + handed back + lost. Lost is what was cut off; while the stop goes on, also what is in flight. */
export interface DrainReport {
  /** Events that were accepted since the process started. The others are about the time since the stop began. */
  readonly invocations: number;
  readonly accepted: number;
  readonly completed: number;
  readonly handedBack: number;
  readonly lost: number;
}
