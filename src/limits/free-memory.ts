import {readFileSync} from 'node:fs';
import {attempt} from '../attempt.ts';
import {limitedGroups} from './container.ts';

type Read = (path: string) => string;
const readText: Read = path => readFileSync(path, 'utf8');

/**
The memory that this process, and what it starts, may still take: the least that is left in its control group and the groups
around it, and on the machine. What the kernel keeps of files counts as free, as it gives that up first.

@returns bytes; Infinity where the system does not say
@see https://docs.kernel.org/admin-guide/cgroup-v2.html for `memory.stat`
*/
export function freeMemory(read: Read = readText): number {
  const text = (path: string) => attempt(() => read(path)) ?? '';
  const kilobytes = fieldOf(text('/proc/meminfo'), 'MemAvailable:');
  const groups = limitedGroups(read).map(({limitBytes, usedFile, statFile}) => {
    const used = Number(text(usedFile) || Number.NaN);
    return limitBytes - used + filesOf(text(statFile));
  });
  return Math.min(...[kilobytes * 1024, ...groups].filter(bytes => !Number.isNaN(bytes)));
}

/** `total_…` of version 1 counts the groups inside, too, as version 2 always does. */
function filesOf(stat: string): number {
  const sum = (prefix: string) => fieldOf(stat, `${prefix}inactive_file`) + fieldOf(stat, `${prefix}active_file`);
  return sum('total_') || sum('') || 0; // NaN where it is not there
}

const fieldOf = (table: string, name: string) => Number(new RegExp(`^${name}\\s+(\\d+)`, 'm').exec(table)?.[1] ?? Number.NaN);
