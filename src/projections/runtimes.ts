import type {ExitReason} from '../facts.ts';
import type {Recorded} from '../journal.ts';

/** One process of a sub-runtime. */
export interface ProcessView {
  readonly pid: number;
  readonly executable?: string;
  readonly spawnedAt?: number;
  readonly bootMs?: number;
  readonly loaded?: boolean;
  /** Why the handler could not be loaded. */
  readonly loadError?: string;
  readonly exitedAt?: number;
  readonly reason?: ExitReason;
  readonly signal?: string | null;
  readonly code?: number | null;
}

/** One start of the core, and the processes that it started. */
export interface BootView {
  readonly id: string;
  readonly startedAt: number;
  readonly version?: string;
  /** SHA-256 of the settings. */
  readonly settings?: string;
  /** SHA-256 of the handler's file that was served. */
  readonly codeDigest?: string;
  /** Path of that file. */
  readonly handler?: string;
  readonly processes: readonly ProcessView[];
}

const prefix = 'runtime.';

export function evolveBoot(boot: BootView | undefined, {stream, at, fact}: Recorded): BootView | undefined {
  if (!stream.startsWith(prefix)) return boot;
  const known: BootView = boot ?? {id: stream.slice(prefix.length), startedAt: at, processes: []};
  switch (fact.type) {
    case 'config.loaded':
      return {...known, version: fact.data.version, settings: fact.data.digest};
    case 'code.loaded':
      return {...known, codeDigest: fact.data.digest, handler: fact.data.handler};
    case 'runtime.spawned':
      return withProcess(known, fact.data.pid, {executable: fact.data.executable, spawnedAt: at});
    case 'runtime.ready': {
      const {pid, bootMs, loaded, error} = fact.data;
      return withProcess(known, pid, {bootMs, loaded, ...(!loaded && error !== undefined && {loadError: error})});
    }
    case 'runtime.exited': {
      const {reason, signal, code, pid} = fact.data;
      return withProcess(known, pid, {exitedAt: at, reason, signal, code});
    }
    default:
      return known;
  }
}

function withProcess(boot: BootView, pid: number | undefined, more: Omit<ProcessView, 'pid'>): BootView {
  if (pid === undefined) return boot;
  const at = boot.processes.findLastIndex(process => process.pid === pid);
  // A number is given again after its process is gone.
  const isNew = at === -1 || (more.spawnedAt !== undefined && boot.processes[at]?.exitedAt !== undefined);
  const processes = isNew ? [...boot.processes, {pid, ...more}] : boot.processes.with(at, {...boot.processes[at], pid, ...more});
  return {...boot, processes};
}
