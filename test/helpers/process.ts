import {existsSync, readFileSync} from 'node:fs';
import type {Readable} from 'node:stream';

/** Debian: package util-linux. */
const setpriv = '/usr/bin/setpriv';

/** The command of a process that is killed when this file of tests is: one that ran out of time cannot end it any more. */
export function endingWithUs([file, ...args]: readonly [string, ...string[]]): [file: string, args: string[]] {
  return existsSync(setpriv) ? [setpriv, ['--pdeathsig', 'KILL', '--', file, ...args]] : [file, args];
}

/** Collects what a process writes to a pipe. @returns all that has come so far, as text */
export function outputOf(pipe: Readable | null): () => string {
  let text = '';
  pipe?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  return () => text;
}

/**
Sends a signal to a process, or to the group of one whose number is negative. The number 0 means our own group: the tests
themselves, and all that runs them.

@throws Error without a number
*/
export function signalTo(pid: number | undefined, signal: NodeJS.Signals): void {
  if (!pid) throw new Error(`Expected the number of a process for ${signal}, got ${pid}`);
  process.kill(pid, signal);
}

/** False for a zombie, too: nothing runs in it. */
export function isAlive(pid: number): boolean {
  const state = stateOf(pid);
  return state !== undefined && state !== 'Z' && state !== 'X';
}

/** The letter of /proc/<pid>/stat; undefined when it is gone. */
export function stateOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2)[0];
  } catch {
    return undefined;
  }
}

/** Waits until it is gone; the test's own time limit ends the wait. */
export async function gone(pid: number): Promise<void> {
  while (isAlive(pid)) await new Promise(resolve => setTimeout(resolve, 5));
}

/** Every process below this one, the deepest last. */
export function below(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  return [...children, ...children.flatMap(below)];
}
