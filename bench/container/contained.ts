import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {systemClock} from '../../src/clock.ts';
import {type MemoryGroup, openMemoryGroup} from '../../src/workers/memory/group.ts';
import {endWithUs, type Program} from '../servers.ts';

/** A program, with all that it starts, in a control group of its own, as in a container. */
export interface Contained extends AsyncDisposable {
  readonly pid: number;
  readonly group: MemoryGroup;
  isOver(): boolean;
}

const stopMs = 30_000;

/**
Starts a program in a control group with so much memory.

@returns undefined where this machine lets nobody make a control group
*/
export async function contain({command, env, cwd}: Program, limitBytes: number): Promise<Contained | undefined> {
  const {PATH = '', HOME = ''} = process.env;
  // The shell waits until it is in its group; only then it becomes the program, which reads its limit as it starts.
  const child = spawn('/bin/sh', ['-c', 'read go && exec "$0" "$@" < /dev/null', ...command], {
    env: {PATH, HOME, ...env},
    cwd,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  endWithUs(child);
  const ended = once(child, 'exit');
  const group = openMemoryGroup(child.pid ?? 0, limitBytes, systemClock);
  child.stdin.end(group ? 'go\n' : '');
  if (!group) {
    await ended;
    return undefined;
  }
  return {
    pid: child.pid ?? 0,
    group,
    isOver: () => child.exitCode !== null || child.signalCode !== null,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      const stopTimer = systemClock.after(stopMs, () => child.kill('SIGKILL'));
      await ended;
      stopTimer();
      group.close();
    },
  };
}
