import {readdirSync, readFileSync} from 'node:fs';

/** Clock ticks of /proc a second; Linux has told 100 to programs on every architecture for decades. */
const ticksPerSecond = 100;

interface Stat {
  readonly parent: number;
  readonly ticks: number;
}

/**
CPU time of processes and of everything below them, in microseconds; NaN where the system does not tell.

What a call costs a server is steadier than its rate: the rate is also what the load generator, and whatever else runs,
leaves over.
*/
export function cpuMicros(roots: readonly number[]): number {
  const all = everyProcess();
  if (roots.some(root => !all.has(root))) return Number.NaN;
  const ticks = [...below(roots, all)].map(pid => all.get(pid)?.ticks ?? 0);
  return (ticks.reduce((sum, each) => sum + each, 0) / ticksPerSecond) * 1e6;
}

export interface Resident {
  readonly pid: number;
  /** Its command line. */
  readonly args: readonly string[];
  readonly bytes: number;
}

/** Resident memory of processes and of everything below them. Pages that several of them share count for each. */
export function residentMemory(roots: readonly number[]): Resident[] {
  return [...below(roots, everyProcess())].map(pid => ({
    pid,
    args: read(pid, 'cmdline').split('\0'),
    bytes: Number(/^VmRSS:\s+(\d+) kB$/m.exec(read(pid, 'status'))?.[1] ?? Number.NaN) * 1024,
  }));
}

/** The processes and everything below them. */
export const descendants = (roots: readonly number[]): number[] => [...below(roots, everyProcess())];

function below(roots: readonly number[], all: ReadonlyMap<number, Stat>): Set<number> {
  const found = new Set(roots);
  for (let size = 0; size < found.size; ) {
    size = found.size;
    for (const [pid, {parent}] of all) {
      if (found.has(parent)) found.add(pid);
    }
  }
  return found;
}

function everyProcess(): Map<number, Stat> {
  const all = new Map<number, Stat>();
  for (const name of names()) {
    const stat = statOf(Number(name));
    if (stat) all.set(Number(name), stat);
  }
  return all;
}

function names(): string[] {
  try {
    return readdirSync('/proc').filter(name => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

/** @see proc_pid_stat(5): behind the name in parentheses the parent is the second field, user and system time the 12th and 13th */
function statOf(pid: number): Stat | undefined {
  const stat = read(pid, 'stat');
  if (stat === '') return undefined;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return {parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12])};
}

/** Empty when the process has ended meanwhile. */
function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
