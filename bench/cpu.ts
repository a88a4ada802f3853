import {readdirSync, readFileSync} from 'node:fs';

/** Clock ticks of /proc a second; Linux has told 100 to programs on every architecture for decades. */
const ticksPerSecond = 100;

/**
CPU time of a process and of everything below it, in microseconds; NaN where the system does not tell.

What a call costs a server is steadier than its rate: the rate is also what the load generator, and whatever else runs,
leaves over.
*/
export function cpuMicros(root: number): number {
  const all = new Map<number, {parent: number; ticks: number}>();
  for (const name of processes()) {
    const stat = statOf(Number(name));
    if (stat) all.set(Number(name), stat);
  }
  let ticks = all.get(root)?.ticks ?? Number.NaN;
  const below = new Set([root]);
  for (let size = 0; size < below.size; ) {
    size = below.size;
    for (const [pid, stat] of all) {
      if (below.has(pid) || !below.has(stat.parent)) continue;
      below.add(pid);
      ticks += stat.ticks;
    }
  }
  return (ticks / ticksPerSecond) * 1e6;
}

function processes(): string[] {
  try {
    return readdirSync('/proc').filter(name => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

/** @see proc_pid_stat(5): behind the name in parentheses the parent is the second field, user and system time the 12th and 13th */
function statOf(pid: number): {parent: number; ticks: number} | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return {parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12])};
  } catch {
    return undefined;
  }
}
