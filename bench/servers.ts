import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {rmSync} from 'node:fs';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {systemClock} from '../src/clock.ts';
import {accepts, freePort} from '../src/workers/process/port.ts';
import {projectFile} from '../test/helpers/core.ts';
import {descendants} from './processes.ts';

/** What is served, as a sub-runtime (`handle`) and in process (`bench/functions/in-process.cjs`). */
export type FunctionName = 'message' | 'echo' | 'busy' | 'started';

export interface Server {
  readonly url: string;
  /** The processes that it was started as; what they started belongs to it too. */
  readonly pids: readonly number[];
  /** `calls`: those of the core, for a sub-runtime or a plain proxy in front of it. `requests`: any, for a server of functions. */
  readonly takes: 'calls' | 'requests';
}

const host = '127.0.0.1';
const handlerOf = (name: FunctionName) => projectFile(`bench/functions/${name}.cjs`);
export const bridgeFile = projectFile('runtimes/node/bridge.cjs');

export interface Program {
  readonly command: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly port: number;
  readonly takes?: Server['takes'];
  /** As whom it runs; by default as this process. */
  readonly uid?: number;
  readonly gid?: number;
}

/** The environment of a program that listens on a port, whichever name it reads it from, and serves a function. */
export const environment = (port: number, name: FunctionName) => ({
  PORT: String(port),
  SCW_UPSTREAM_PORT: String(port),
  SCW_HANDLER_PATH: handlerOf(name),
  SCW_HANDLER_NAME: 'handle',
  NODE_ENV: 'production',
});

export const newPort = () => freePort(host);

const folders = new Set<string>();
const running = new Set<ChildProcess>();
let isGuarded = false;

/** A bench that fails, or is stopped, leaves nothing behind: no folder and no process. */
function guard(): void {
  if (isGuarded) return;
  isGuarded = true;
  process.once('exit', () => {
    for (const pid of descendants([...running].flatMap(({pid}) => pid ?? []))) endProcess(pid);
    for (const folder of folders) rmSync(folder, {recursive: true, force: true});
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
}

/** A process that is ended, with everything below it, when this one ends before it. */
export function endWithUs(child: ChildProcess): void {
  guard();
  running.add(child);
  child.once('exit', () => running.delete(child));
}

/** A folder that is gone with the stack. */
export async function temporaryFolder(stack: AsyncDisposableStack): Promise<string> {
  guard();
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  folders.add(folder);
  stack.defer(async () => {
    await rm(folder, {recursive: true, force: true});
    folders.delete(folder);
  });
  return folder;
}

/** Longer than any of ours takes; a peer may wait for its load balancer. */
const stopMs = 2000;

/** Starts a program without waiting for it; it ends with the stack. */
export function spawnProgram({command: [file, ...args], env, cwd, ...user}: Program, stack: AsyncDisposableStack) {
  const {PATH = '', HOME = ''} = process.env;
  const child = spawn(file, args, {env: {PATH, HOME, ...env}, cwd, uid: user.uid, gid: user.gid, stdio: ['ignore', 'ignore', 'pipe']});
  endWithUs(child);
  let stderr = '';
  child.stderr.on('data', chunk => {
    stderr = (stderr + chunk).slice(-2000);
  });
  const ended = once(child, 'exit')
    .catch((error: Error) => {
      stderr = error.message; // there is no such program
    })
    .then(() => running.delete(child));
  stack.defer(async () => {
    const all = child.pid === undefined ? [] : descendants([child.pid]);
    child.kill('SIGTERM');
    const stopped = await Promise.race([ended, systemClock.sleep(stopMs).then(() => false)]);
    if (!stopped) for (const pid of all) endProcess(pid);
    await ended;
  });
  return {pid: child.pid ?? 0, over: () => !running.has(child), stderr: () => stderr};
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

/** Starts a program and waits until it accepts; it ends with the stack. */
export async function start(program: Program, stack: AsyncDisposableStack): Promise<Server> {
  const child = spawnProgram(program, stack);
  while (!(await accepts(host, program.port))) {
    if (child.over()) throw new Error(`${program.command.join(' ')} ended: ${child.stderr()}`);
    await systemClock.sleep(20);
  }
  return {url: `http://${host}:${program.port}/`, pids: [child.pid], takes: program.takes ?? 'requests'};
}

/** Our Node bridge on a port of its own. */
export async function bridgeProgram(name: FunctionName) {
  const port = await newPort();
  return {command: [process.execPath, bridgeFile] as const, env: environment(port, name), port, takes: 'calls'} satisfies Program;
}

/** The least that a bridge in Node could do: it reads nothing of the call. */
export async function bareProgram() {
  const port = await newPort();
  const command = [process.execPath, projectFile('bench/peers/bare.cjs')] as const;
  return {command, env: {SCW_UPSTREAM_PORT: String(port)}, port, takes: 'calls'} satisfies Program;
}

/** The core as a program like any other, public unless told otherwise; with a folder of its own for what it keeps. */
export async function ourProgram(
  name: FunctionName,
  stack: AsyncDisposableStack,
  {main = projectFile('src/main.ts'), env = {}}: {main?: string; env?: Readonly<Record<string, string>>} = {},
): Promise<Program> {
  const [port, folder] = [await newPort(), await temporaryFolder(stack)];
  const ours = {SCW_PUBLIC: 'true', SCW_UPSTREAM_PORT: '0', CORE_ADMIN_PORT: '0', CORE_DATA_DIR: folder};
  return {command: [process.execPath, main], env: {...environment(port, name), ...ours, ...env}, port};
}

/** The core from its source, with default settings but for those given. */
export async function startOurs(name: FunctionName, env: Record<string, string>, stack: AsyncDisposableStack): Promise<Server> {
  return start(await ourProgram(name, stack, {env}), stack);
}

/** Settings that export every span to a collector, which runs in a process of its own. */
export async function startCollector(stack: AsyncDisposableStack): Promise<Record<string, string>> {
  const port = await newPort();
  await start({command: [process.execPath, projectFile('bench/peers/collector.cjs')], env: {PORT: String(port)}, port}, stack);
  return {OTEL_EXPORTER_OTLP_ENDPOINT: `http://${host}:${port}`};
}
