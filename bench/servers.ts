import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {systemClock} from '../src/clock.ts';
import {accepts, freePort} from '../src/workers/port.ts';
import {projectFile, startCore} from '../test/helpers/core.ts';
import type {Load} from './load.ts';

/** What is served, as a sub-runtime (`handle`) and in process (`bench/functions/in-process.cjs`). */
export type FunctionName = 'message' | 'echo' | 'busy';

export interface Server {
  readonly url: string;
  /** The processes that it was started as; what they started belongs to it too. */
  readonly pids: readonly number[];
  /** A sub-runtime, and a proxy that knows nothing else, takes the core's calls; whoever serves a function takes any request. */
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

/** A folder that is gone with the stack. */
export async function temporaryFolder(stack: AsyncDisposableStack): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  stack.defer(() => rm(folder, {recursive: true, force: true}));
  return folder;
}

/** Starts a program without waiting for it; it ends with the stack. */
export function spawnProgram({command: [file, ...args], env, cwd}: Program, stack: AsyncDisposableStack) {
  const {PATH = '', HOME = ''} = process.env;
  const child = spawn(file, args, {env: {PATH, HOME, ...env}, cwd, stdio: ['ignore', 'ignore', 'pipe']});
  let stderr = '';
  child.stderr.on('data', chunk => {
    stderr = (stderr + chunk).slice(-2000);
  });
  const ended = once(child, 'exit').catch((error: Error) => {
    stderr = error.message; // there is no such program
  });
  stack.defer(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  let over = false;
  void ended.then(() => {
    over = true;
  });
  return {pid: child.pid ?? 0, over: () => over, stderr: () => stderr};
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

/** The core, public unless told otherwise, with a folder of its own for what it keeps. */
export async function startOurs(name: FunctionName, env: Record<string, string>, stack: AsyncDisposableStack): Promise<Server> {
  const CORE_DATA_DIR = await temporaryFolder(stack);
  const core = await startCore({SCW_PUBLIC: 'true', SCW_HANDLER_PATH: handlerOf(name), CORE_DATA_DIR, ...env});
  stack.defer(async () => void (await core.stop()));
  return {url: `${core.url}/`, pids: [core.pid], takes: 'requests'};
}

/** Settings that export every span to a collector, which runs in a process of its own. */
export async function startCollector(stack: AsyncDisposableStack): Promise<Record<string, string>> {
  const port = await newPort();
  await start({command: [process.execPath, projectFile('bench/peers/collector.cjs')], env: {PORT: String(port)}, port}, stack);
  return {OTEL_EXPORTER_OTLP_ENDPOINT: `http://${host}:${port}`};
}

/** What a client sends to such a server: nothing, or a text of so many bytes. A call holds what the core would send for it. */
export function requestTo({url, pids, takes}: Server, bytes = 0): Pick<Load, 'url' | 'pids' | 'method' | 'headers' | 'body'> {
  if (takes === 'calls') return {url, pids, method: 'POST', headers: {'Content-Type': 'application/json'}, body: sampleCall(bytes)};
  if (bytes === 0) return {url, pids, headers: {Accept: '*/*'}};
  return {url, pids, method: 'POST', headers: {'Content-Type': 'text/plain'}, body: textOf(bytes)};
}

const textOf = (bytes: number) => 'The quick brown fox jumps over the lazy dog.\n'.repeat(Math.ceil(bytes / 45)).slice(0, bytes);

/** A call as the core sends it: for a GET, or for a POST of this many bytes. */
export function sampleCall(bytes: number): string {
  const method = bytes === 0 ? 'GET' : 'POST';
  const requestId = '01a2068b-f0ed-7c75-9692-646cebce9a7c';
  const headers = {Host: 'localhost', Accept: '*/*', ...(bytes > 0 && {'Content-Type': 'text/plain'})};
  const context = {functionName: '', functionVersion: '', memoryInMb: 128, memoryLimitInMb: 128};
  const event = {
    ...{resource: 'http', path: '/', httpMethod: method, headers},
    multiValueHeaders: Object.fromEntries(Object.entries(headers).map(([field, value]) => [field, [value]])),
    ...{queryStringParameters: {}, multiValueQueryStringParameters: {}, pathParameters: {}, stageVariables: null},
    requestContext: {
      ...{accountId: '', resourceId: '', apiId: '', resourcePath: '', authorizer: null, stage: 'dev', eventType: 'http'},
      ...{httpMethod: method, path: '/', requestId, identity: {sourceIp: host}},
    },
    ...{body: textOf(bytes), isBase64Encoded: false},
  };
  return JSON.stringify({
    event,
    context: {...context, invocationId: requestId, deadlineMs: 0, trace: {}},
    handlerPath: '/f',
    handlerName: 'handle',
  });
}
