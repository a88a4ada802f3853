import {mkdirSync, readFileSync, rmdirSync, writeFileSync} from 'node:fs';
import type {Clock} from '../../clock.ts';
import {ownGroups} from './cgroup.ts';

/** A control group in which one process runs with whatever it starts: the kernel itself keeps the limit. */
export interface MemoryGroup {
  /** How often the kernel ended a process of it for want of memory. */
  kills(): number;
  /** Ends whatever is left in it, and removes it. */
  close(): void;
}

/** What a control group's files are called, by version. */
interface Version {
  readonly limit: string;
  /** With swap the limit would be none. */
  readonly swap: readonly [file: string, value: (limitBytes: number) => string];
  readonly events: string;
}

const v1: Version = {
  limit: 'memory.limit_in_bytes',
  swap: ['memory.memsw.limit_in_bytes', limitBytes => String(limitBytes)],
  events: 'memory.oom_control',
};
const v2: Version = {limit: 'memory.max', swap: ['memory.swap.max', () => '0'], events: 'memory.events'};

const removeAgainMs = 50;
const mostRemovals = 20;

/**
Moves a process into a group of its own below the group of the core. What it starts from then on is in it, too, whatever
session that makes for itself.

@returns undefined where the system does not let us, as in most containers
@see https://docs.kernel.org/admin-guide/cgroup-v2.html for `memory.max`
*/
export function openMemoryGroup(pid: number, limitBytes: number, clock: Clock): MemoryGroup | undefined {
  const {v1: group1, v2: group2} = ownGroups();
  const name = `core-runtime.${process.pid}.${pid}`;
  return (
    fill(`/sys/fs/cgroup/memory${group1}/${name}`, v1, pid, limitBytes, clock) ??
    fill(`/sys/fs/cgroup${group2 === '/' ? '' : group2}/${name}`, v2, pid, limitBytes, clock)
  );
}

function fill(folder: string, version: Version, pid: number, limitBytes: number, clock: Clock): MemoryGroup | undefined {
  try {
    mkdirSync(folder);
  } catch {
    return undefined;
  }
  try {
    const write = (file: string, value: string) => writeFileSync(`${folder}/${file}`, value, {flag: 'r+'}); // in a group it is there
    write(version.limit, String(limitBytes));
    const [swapFile, swapLimit] = version.swap;
    attempt(() => write(swapFile, swapLimit(limitBytes))); // not there without swap
    write('cgroup.procs', String(pid));
  } catch {
    attempt(() => rmdirSync(folder));
    return undefined;
  }
  const read = (file: string) => attempt(() => readFileSync(`${folder}/${file}`, 'utf8')) ?? '';
  return {
    kills: () => Number(/^oom_kill (\d+)$/m.exec(read(version.events))?.[1] ?? 0),
    close() {
      for (const left of read('cgroup.procs').split('\n').filter(Boolean)) attempt(() => process.kill(Number(left), 'SIGKILL'));
      remove(mostRemovals);
    },
  };

  /** A group is busy until the last of it is gone for good. */
  function remove(tries: number): void {
    if (attempt(() => rmdirSync(folder) ?? true) || tries === 0) return;
    clock.after(removeAgainMs, () => remove(tries - 1));
  }
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
