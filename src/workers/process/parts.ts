import type {Clock} from '../../clock.ts';
import type {FunctionLine, Log} from '../../log.ts';
import type {Meter} from '../../meter.ts';
import type {StartRecord} from '../../runtime.ts';
import type {OomCounter} from '../memory/cgroup.ts';
import type {LoadReport} from '../output/report.ts';
import type {Pool} from '../pool/pool.ts';
import type {ChildExit, ChildOptions} from './child.ts';
import type {HistoryHouse} from './history.ts';
import type {OrphanKiller} from './orphans.ts';
import type {RestartPolicy} from './restart-policy.ts';
import type {HopOptions} from './way.ts';

/** How long the process group has after TERM before KILL. */
export const stopMs = 5000;
/** A process that closed its channel has so long to end by itself. */
export const exitMs = 250;

export interface SubRuntimeOptions extends HopOptions {
  /** What every process of the place is started with; the port is chosen each time. */
  readonly child: Omit<ChildOptions, 'port' | 'environment'>;
  environment(port: number): Readonly<Record<string, string>>;
  /** Longest time of a call, in milliseconds. */
  readonly timeoutMs: number;
}

export interface SubRuntimeHouse {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly ooms: OomCounter;
  readonly orphanKiller: OrphanKiller;
  line(line: FunctionLine): void;
  linesDropped(lines: number): void;
  /** A server listens on its port. @returns false: it must not serve, as others reach it there, too */
  mayServe(port: number): boolean;
}

export interface SupervisorOptions extends SubRuntimeOptions {
  /** The port that the first process gets when it is free; 0: any port. */
  readonly preferredPort: number;
  readonly policy: RestartPolicy;
}

export interface SupervisorHouse extends SubRuntimeHouse, HistoryHouse {
  readonly log: Log;
  readonly meter: Meter;
  /** A start is over. `isReported`: an invocation that waited for the start has its record, and reports it. */
  started(record: StartRecord, isReported: boolean): void;
  /** The monotonic time at which a process of the function last served well in any place; undefined: none has yet. */
  functionServedAt(): number | undefined;
  /** Memory that one more process may take. */
  freeBytes(): number;
  /** The sub-runtime was given up: a start is tried only now and then. */
  gaveUp(): void;
}

/** Why a spare should take over from a process, and what is done about it, for the log. */
export interface Trouble {
  readonly cause: string;
  readonly remedy: string;
  /** It does not answer now, and may again. Otherwise a call in it does not end, or it takes no connection. */
  readonly isSilent: boolean;
}

export const silence: Trouble = {
  cause: 'The sub-runtime does not answer while callers wait, most likely as a handler blocks it',
  remedy: 'a spare is started',
  isSilent: true,
};

export interface SubRuntimeEvents {
  ready(report: LoadReport, start: StartRecord): void;
  exited(exit: ChildExit): void;
  /** A spare should take over from it. */
  stuck(trouble: Trouble): void;
  /** It broke the protocol of the channel, or left it, and is ended. */
  broken(why: string): void;
  /** It has answered its first call. */
  answered(): void;
}

/** Why a process is started: it is the first or follows an exit; it replaces a stuck process; it runs newer code. */
export type Purpose = 'start' | 'spare' | 'reload';
