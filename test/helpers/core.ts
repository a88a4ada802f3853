import {type ChildProcess, execFile, spawn} from 'node:child_process';
import {once} from 'node:events';
import {readFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import {readLines} from '../../src/workers/output/lines.ts';
import {endingWithUs, outputOf} from './process.ts';
import {cliProgram, mainProgram} from './programs.ts';

const root = new URL('../../', import.meta.url);

/** The absolute path of a file of the project. */
export const projectFile = (path: string) => fileURLToPath(new URL(path, root));

export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** A core in a process of its own, on ports of its own. */
export interface RunningCore {
  readonly url: string;
  readonly adminUrl: string;
  readonly pid: number;
  readonly logs: readonly LogLine[];
  /** What it wrote to its error output so far. */
  stderr(): string;
  /** The first log line that fits, now or later. */
  logged(fits: (line: LogLine) => boolean): Promise<LogLine>;
  kill(signal: NodeJS.Signals): void;
  /** TERM, unless it has ended, and its exit code (null when a signal ended it). */
  stop(): Promise<number | null>;
  readonly exited: Promise<number | null>;
}

export interface RefusedStart {
  readonly code: number | null;
  readonly stderr: string;
}

/** On free ports, and nothing is left in the home directory. */
const freePorts = {PORT: '0', CORE_ADMIN_PORT: '0', SCW_UPSTREAM_PORT: '0', CORE_JOURNAL: 'memory:'};

/** A file of tests that ends by an error which no test caught leaves no core behind. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** How a core is started where it differs. */
export interface Started {
  /** How many descriptors it may open (RLIMIT_NOFILE). */
  readonly descriptors?: number;
  /** Where it is started. */
  readonly cwd?: string;
  /** From the sources, also where the others start what was built. */
  readonly isSource?: boolean;
}

function spawnCore(env: Record<string, string>, {descriptors, cwd, isSource}: Started = {}): ChildProcess {
  const {PATH = '', HOME = '', NODE_V8_COVERAGE, NODE_ENV} = process.env;
  const command = [process.execPath, isSource ? projectFile('src/main.ts') : mainProgram] as const;
  const child = spawn(...endingWithUs(descriptors === undefined ? command : ['prlimit', `--nofile=${descriptors}`, ...command]), {
    env: {PATH, HOME, ...(NODE_V8_COVERAGE && {NODE_V8_COVERAGE}), ...(NODE_ENV && {NODE_ENV}), ...freePorts, ...env},
    ...(cwd !== undefined && {cwd}),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** A test, as far as whoever starts processes needs it. */
export interface Teardown {
  teardown(undo: () => Promise<unknown>): void;
}

/**
Starts a core and waits until it listens. Rejects with its error output when it does not.

@param t ends the core with the test, however the test ends; a hook that has no teardown stops it itself
*/
export async function startCore(env: Record<string, string>, t?: Teardown, how: Started = {}): Promise<RunningCore> {
  const started = await takeTurn();
  try {
    return await startNow(env, t, how);
  } finally {
    started();
  }
}

/** Tests of a file run at once: twenty cores that start together are each so slow that tests about time mean nothing. */
const mostStarting = 3;
let startingNow = 0;
const waitingToStart: (() => void)[] = [];

async function takeTurn(): Promise<() => void> {
  if (startingNow >= mostStarting) await new Promise<void>(resolve => waitingToStart.push(resolve));
  else startingNow++;
  return () => {
    const next = waitingToStart.shift();
    if (next) next();
    else startingNow--;
  };
}

async function startNow(env: Record<string, string>, t: Teardown | undefined, how: Started): Promise<RunningCore> {
  const child = spawnCore(env, how);
  const logs: LogLine[] = [];
  const waiting = new Set<(line: LogLine) => void>();
  const stderr = outputOf(child.stderr);
  if (child.stdout) {
    const take = (text: string) => {
      const line = JSON.parse(text) as LogLine; // a line that is not JSON must fail the run
      logs.push(line);
      for (const wake of waiting) wake(line);
    };
    readLines(child.stdout, take, {longestBytes: Number.POSITIVE_INFINITY}); // a record is longer than the line in it
  }
  // Its last lines may still be in the pipe when the end of the process is known.
  const isRead = child.stdout && once(child.stdout, 'end');
  const exited = once(child, 'exit').then(async ([code]) => {
    await isRead;
    return code as number | null;
  });
  t?.teardown(() => {
    child.kill('SIGTERM');
    return exited;
  });

  const logged = (fits: (line: LogLine) => boolean): Promise<LogLine> => {
    const known = logs.find(fits);
    if (known) return Promise.resolve(known);
    return new Promise(resolve => {
      const wake = (line: LogLine) => {
        if (!fits(line)) return;
        waiting.delete(wake);
        resolve(line);
      };
      waiting.add(wake);
    });
  };
  const listening = await Promise.race([logged(line => line.msg === 'Listening'), exited]);
  if (listening === null || typeof listening === 'number') throw new Error(`The core did not start (exit ${listening}): ${stderr()}`);

  return {
    url: String(listening.url),
    adminUrl: String(listening.admin),
    pid: child.pid ?? 0,
    logs,
    stderr,
    logged,
    exited,
    kill: signal => void child.kill(signal),
    stop() {
      child.kill('SIGTERM');
      return exited;
    },
  };
}

/** Starts a core that must refuse to. */
export async function refuseCore(env: Record<string, string>): Promise<RefusedStart> {
  const ended = await takeTurn();
  const child = spawnCore(env);
  const stderr = outputOf(child.stderr);
  child.stdout?.resume();
  const [code] = await once(child, 'close');
  ended();
  return {code, stderr: stderr()};
}

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command of `core-runtime` to its end. */
export async function runCli(args: readonly string[], env: Record<string, string> = {}, cwd?: string): Promise<Ended> {
  const {PATH = '', HOME = '', NODE_V8_COVERAGE} = process.env;
  try {
    const ended = await promisify(execFile)(process.execPath, [cliProgram, ...args], {
      env: {PATH, HOME, ...(NODE_V8_COVERAGE && {NODE_V8_COVERAGE}), ...env},
      ...(cwd !== undefined && {cwd}),
    });
    return {code: 0, ...ended};
  } catch (error) {
    return error as Ended; // execFile rejects with what the process wrote and its code
  }
}

/** A command of `core-runtime` that goes on, on free ports; it ends with the test. */
export async function spawnCli(args: readonly string[], t: Teardown, cwd?: string) {
  const {PATH = '', HOME = '', NODE_V8_COVERAGE} = process.env;
  const child = spawn(process.execPath, [cliProgram, ...args], {
    env: {PATH, HOME, ...(NODE_V8_COVERAGE && {NODE_V8_COVERAGE}), ...freePorts},
    ...(cwd !== undefined && {cwd}),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close');
  t.teardown(() => {
    child.kill('SIGTERM');
    return ended;
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', chunk => {
      output += chunk;
    });
  }
  return {
    /** Everything printed, once it fits. */
    until: (pattern: RegExp) =>
      new Promise<string>((resolve, reject) => {
        const look = () => pattern.test(output) && resolve(output);
        child.stdout.on('data', look);
        look();
        void ended.then(() => reject(new Error(`The command ended and printed only: ${output}`)));
      }),
  };
}

/** Sends a signal as soon as the core has so many children, before it listens. Its exit code, and the children that it had by then. */
export async function endWhileStarting(
  env: Record<string, string>,
  signal: NodeJS.Signals,
  children: number,
): Promise<{code: number | null; childPids: number[]}> {
  const child = spawnCore(env);
  child.stdout?.resume();
  child.stderr?.resume();
  const file = `/proc/${child.pid}/task/${child.pid}/children`;
  let childPids: number[] = [];
  while (childPids.length < children && child.exitCode === null) {
    childPids = readFileSync(file, 'utf8').trim().split(' ').filter(Boolean).map(Number);
    await new Promise(resolve => setImmediate(resolve));
  }
  child.kill(signal);
  const [code] = await once(child, 'exit');
  return {code, childPids};
}
