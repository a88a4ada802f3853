import {spawnSync} from 'node:child_process';

/** Long enough for a program that a version manager looks for first. */
const mostMs = 5000;

const known = new Map<string, boolean>();

/** Whether an interpreter runs on this machine: it says its version. It is asked once. */
export function runsAtAll(file: string): boolean {
  const before = known.get(file);
  if (before !== undefined) return before;
  const {status} = spawnSync(file, ['--version'], {stdio: 'ignore', timeout: mostMs});
  known.set(file, status === 0);
  return status === 0;
}
