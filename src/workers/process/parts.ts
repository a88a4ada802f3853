import type {Clock} from '../../clock.ts';
import type {FunctionLine} from '../../log.ts';
import type {StartRecord} from '../../runtime.ts';
import type {OomCounter} from '../memory/cgroup.ts';
import type {LoadReport} from '../output/report.ts';
import type {Pool} from '../pool/pool.ts';
import type {ChildExit, ChildOptions} from './child.ts';
import type {OrphanKiller} from './orphans.ts';
import type {HopOptions} from './way.ts';

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
