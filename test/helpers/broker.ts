import {spawn} from 'node:child_process';
import {once} from 'node:events';
import net from 'node:net';
import {endingWithUs, outputOf} from './process.ts';

/** A program that listens, killed with the file of tests that has started it. */
export interface Program {
  readonly pid: number;
  /** Without warning, as when the machine fails; or with another signal. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** What it has written so far. */
  output(): string;
}

/** Starts it, and waits until its port takes connections. @throws Error with its output when it ends before */
export async function startProgram(
  command: readonly [string, ...string[]],
  port: number,
  options: {readonly cwd?: string; readonly env?: Readonly<Record<string, string>>; readonly uid?: number; readonly gid?: number} = {},
): Promise<Program> {
  const {PATH = '', HOME = ''} = process.env;
  const child = spawn(...endingWithUs(command), {...options, env: {PATH, HOME, ...options.env}, stdio: ['ignore', 'pipe', 'pipe']});
  const [out, err] = [outputOf(child.stdout), outputOf(child.stderr)];
  const exited = once(child, 'exit');
  let hasExited = false;
  exited.then(() => {
    hasExited = true;
  });
  while (!(await accepts(port))) {
    if (hasExited) throw new Error(`${command[0]} has ended: ${out()}${err()}`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  return {
    pid: child.pid ?? 0,
    output: () => `${out()}${err()}`,
    async kill(signal = 'SIGKILL') {
      if (!hasExited) child.kill(signal);
      await exited;
    },
  };
}

function accepts(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = net.connect(port, '127.0.0.1');
    const end = (does: boolean) => {
      socket.destroy();
      resolve(does);
    };
    socket.once('connect', () => end(true)).once('error', () => end(false));
  });
}
