import {readFileSync} from 'node:fs';

/** Set by the kernel from the moment a process begins to go, long before its parent is told. Linux, include/linux/sched.h */
const exitingFlag = 0x4;

/**
Whether the kernel is taking a process down: its connections break off before its exit is told, and with much memory to
give back there is some time between.

@returns false where the system does not tell
@see proc_pid_stat(5): state is the first field behind the name in parentheses, flags the seventh
*/
export function isEnding(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state, , , , , , flags] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' || state === 'X' || (Number(flags) & exitingFlag) !== 0;
  } catch {
    return false;
  }
}
