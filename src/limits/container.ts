import {readFileSync} from 'node:fs';
import {totalmem} from 'node:os';
import {attempt} from '../attempt.ts';

type Read = (path: string) => string;
const readText: Read = path => readFileSync(path, 'utf8');

/**
The memory that this process, and what it starts, may use: the smallest limit of its control group and the groups around
it, else what the machine has. A control group limits all processes in it together.

@returns bytes
@see https://docs.kernel.org/admin-guide/cgroup-v2.html for `memory.max`
*/
export function memoryLimit(read: Read = readText, machineBytes = totalmem()): number {
  return Math.min(machineBytes, ...limitedGroups(read).map(({limitBytes}) => limitBytes));
}

/** A control group that limits the memory, and where it says how much it has taken. */
export interface LimitedGroup {
  readonly limitBytes: number;
  readonly usedFile: string;
  readonly statFile: string;
}

/** The control groups of this process and around it that have a limit. */
export function limitedGroups(read: Read = readText): LimitedGroup[] {
  const {v1, v2} = ownGroups(read);
  const files = [
    ...groupsAround(v2).map(group => ['/sys/fs/cgroup', group, 'memory.max', 'memory.current'] as const),
    ...groupsAround(v1).map(group => ['/sys/fs/cgroup/memory', group, 'memory.limit_in_bytes', 'memory.usage_in_bytes'] as const),
  ];
  return files
    .map(([root, group, limit, used]) => ({
      limitBytes: Number(attempt(() => read(`${root}${group}/${limit}`)) ?? Number.NaN), // `max` is no number
      usedFile: `${root}${group}/${used}`,
      statFile: `${root}${group}/memory.stat`,
    }))
    .filter(({limitBytes}) => limitBytes > 0);
}

/** The control groups of this process, as /proc names them; '' where it has none. */
export function ownGroups(read: Read = readText): {v1: string; v2: string} {
  const groups = attempt(() => read('/proc/self/cgroup')) ?? '';
  return {
    v1: /^\d+:(?:\w+,)*memory(?:,\w+)*:(\/.*)$/m.exec(groups)?.[1] ?? '',
    v2: /^0::(\/.*)$/m.exec(groups)?.[1] ?? '',
  };
}

/** A group and those around it, the root too, which is written as ''. In a container its own group may stand at the root. */
function groupsAround(group: string): string[] {
  const names = group.split('/').filter(Boolean);
  return names.includes('..') ? [''] : ['', ...names.map((_, index) => `/${names.slice(0, index + 1).join('/')}`)];
}
