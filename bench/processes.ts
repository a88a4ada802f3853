import {readdirSync, readFileSync} from 'node:fs';

/** Clock ticks of /proc a second; Linux has told 100 to programs on every architecture for decades. */
const ticksPerSecond = 100;

interface Stat {
  readonly parent: number;
  readonly ticks: number;
  readonly isZombie: boolean;
  readonly startedAt: string;
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

export interface Process extends Resident {
  readonly parent: number;
  /** It has ended, and its parent did not ask for its status. */
  readonly isZombie: boolean;
  /** In ticks since the machine's start: with the pid it names a process for ever. */
  readonly startedAt: string;
  /** The most that it ever had resident. */
  readonly peakBytes: number;
}

/** A process and everything below it, zombies too. */
export function processTree(root: number): Process[] {
  const all = everyProcess();
  return [...below([root], all)].flatMap(pid => {
    const stat = all.get(pid);
    return stat ? [{pid, ...stat, args: read(pid, 'cmdline').split('\0'), ...memoryOf(pid)}] : [];
  });
}

/** When the process started that has this pid; undefined when none lives. */
export function startOf(pid: number): string | undefined {
  const stat = statOf(pid);
  return stat?.isZombie ? undefined : stat?.startedAt;
}

/** Zombies have none. */
function memoryOf(pid: number) {
  const status = read(pid, 'status');
  const bytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * 1024;
  return {bytes: bytes('VmRSS'), peakBytes: bytes('VmHWM')};
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

/**
@see proc_pid_stat(5): behind the name in parentheses are the state, the parent, as 12th and 13th field user and system time,
and as 20th the start
*/
function statOf(pid: number): Stat | undefined {
  const stat = read(pid, 'stat');
  if (stat === '') return undefined;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return {
    parent: Number(fields[1]),
    ticks: Number(fields[11]) + Number(fields[12]),
    isZombie: fields[0] === 'Z' || fields[0] === 'X',
    startedAt: fields[19] ?? '',
  };
}

/** Empty when the process has ended meanwhile. */
function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
