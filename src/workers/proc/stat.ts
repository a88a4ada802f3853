import {readFileSync} from 'node:fs';

export interface ProcessStat {
  /** R, S, D, Z … */
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  /** The process group that its terminal belongs to now: only that may read keys, and change how they are read. −1 without a terminal. */
  readonly foreground: number;
  readonly flags: number;
}

/**
What the kernel says about a process now.

@returns undefined when the process does not exist, and where there is no /proc
@see proc_pid_stat(5): behind the name in parentheses, the fields are state, parent, process group, session, terminal, its group, flags
*/
export function statOf(pid: number | string): ProcessStat | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state = '', parent, group, , , foreground, flags] = stat.slice(stat.lastIndexOf(')') + 2).split(' ', 7);
    return {state, parent: Number(parent), group: Number(group), foreground: Number(foreground), flags: Number(flags)};
  } catch {
    return undefined;
  }
}

/** A process that has ended: only its entry in the table of processes is left. */
const hasEnded = ({state}: ProcessStat) => state === 'Z' || state === 'X';

/** The kernel sets this flag as soon as a process begins to end, long before its parent learns about it. Linux, include/linux/sched.h */
const exitingFlag = 0x4;

/**
Whether the kernel is ending a process, or has ended it. Its connections break off before its exit is reported; when it has
much memory to give back, some time passes in between.

@returns false where the system does not say
*/
export function isEnding(pid: number): boolean {
  const stat = statOf(pid);
  return stat !== undefined && (hasEnded(stat) || (stat.flags & exitingFlag) !== 0);
}

/** Whether a process is gone. Its entry in the table may stay until its parent has read its exit code. */
export function isGone(pid: number | string): boolean {
  const stat = statOf(pid);
  return stat === undefined || hasEnded(stat);
}
