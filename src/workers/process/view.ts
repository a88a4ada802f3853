import type {ExitReason} from '../../facts.ts';
import {residentBytes} from '../memory/resident.ts';
import type {LifecycleState} from './lifecycle.ts';
import type {Processes, Role} from './processes.ts';

/** A process of a sub-runtime. */
export interface ProcessView {
  readonly pid: number;
  readonly role: Role;
  /** Wall times, milliseconds since 1970. */
  readonly spawnedAt: number;
  readonly readyAt?: number;
  /** Calls in it. */
  readonly calls: number;
  readonly residentBytes: number;
}

/** A place of the pool, and the processes that it has. */
export interface PlaceView {
  readonly phase: LifecycleState['phase'];
  /** Why it does not serve, where that is known. */
  readonly error?: string;
  readonly processes: readonly ProcessView[];
  /** The processes that ended, the newest first; not all of them. */
  readonly ends: readonly EndView[];
}

/** The end of a process. */
export interface EndView {
  /** Wall time, milliseconds since 1970. */
  readonly at: number;
  readonly pid?: number;
  readonly reason: ExitReason;
  readonly code: number | null;
  readonly signal: string | null;
  readonly upMs: number;
  readonly sentence: string;
  /** The end of what it wrote to stderr, at most 4 KB. */
  readonly lastWords: string;
}

/** How a place of the pool is now. */
export function viewPlace({phase, error}: LifecycleState, processes: Processes, exits: {readonly newest: readonly EndView[]}): PlaceView {
  const views = [...processes].flatMap(subRuntime => {
    const {pid, startedAt, readyAt} = subRuntime.child;
    if (pid === undefined) return [];
    const times = {spawnedAt: startedAt, ...(readyAt !== undefined && {readyAt})};
    return [{pid, role: processes.roleOf(subRuntime), ...times, calls: subRuntime.calls, residentBytes: residentBytes(pid)}];
  });
  return {phase, ...(error !== undefined && {error}), processes: views, ends: exits.newest};
}
