import {mkdirSync, readFileSync, rmdirSync, writeFileSync} from 'node:fs';
import {attempt} from '../../attempt.ts';
import type {Clock} from '../../clock.ts';
import {ownGroups} from '../../limits/container.ts';

/** A control group for one process and all that it starts: the kernel itself enforces the limit. */
export interface MemoryGroup {
  /** How many of its processes the kernel killed for lack of memory. */
  kills(): number;
  /** What it holds now, files that the kernel could drop included. */
  usedBytes(): number;
  /** The same without such files: what its processes made themselves. */
  ownBytes(): number;
  /** Kills the processes that are left in it, and removes it. */
  close(): void;
}

/** The names of a control group's files, by version. */
interface Version {
  readonly limit: string;
  /** Swap is limited as well, or the memory limit would have no effect. */
  readonly swap: readonly [file: string, value: (limitBytes: number) => string];
  readonly events: string;
  readonly used: string;
  /** The field of `memory.stat`. */
  readonly own: string;
}

const v1: Version = {
  limit: 'memory.limit_in_bytes',
  swap: ['memory.memsw.limit_in_bytes', limitBytes => String(limitBytes)],
  events: 'memory.oom_control',
  used: 'memory.usage_in_bytes',
  own: 'total_rss',
};
const v2: Version = {
  limit: 'memory.max',
  swap: ['memory.swap.max', () => '0'],
  events: 'memory.events',
  used: 'memory.current',
  own: 'anon',
};

const removeAgainMs = 50;
const mostRemovals = 20;

/**
Moves a process into a group of its own below the group of the core. What it starts from then on is in the group, too, even
in a session of its own.

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
    kills: () => fieldOf(read(version.events), 'oom_kill'),
    usedBytes: () => Number(read(version.used)),
    ownBytes: () => fieldOf(read('memory.stat'), version.own),
    close() {
      for (const left of read('cgroup.procs').split('\n').filter(Boolean)) attempt(() => process.kill(Number(left), 'SIGKILL'));
      remove(mostRemovals);
    },
  };

  /** A group cannot be removed before its last process is gone for good. */
  function remove(tries: number): void {
    if (attempt(() => rmdirSync(folder) ?? true) || tries === 0) return;
    clock.after(removeAgainMs, () => remove(tries - 1));
  }
}

const fieldOf = (table: string, name: string) => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(table)?.[1] ?? 0);
