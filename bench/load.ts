import {execFile, spawn} from 'node:child_process';
import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {text} from 'node:stream/consumers';
import {promisify} from 'node:util';
import {projectFile} from '../test/helpers/core.ts';
import {cpuMicros} from './processes.ts';
import {temporaryFolder} from './servers.ts';

export interface Load {
  readonly url: string;
  readonly connections: number;
  /** Whole seconds. */
  readonly seconds: number;
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** A header whose value is another one with every request, in turn. */
  readonly each?: {readonly header: string; readonly values: readonly string[]};
  /** The server's processes: their CPU time, with that of their children, is measured too. */
  readonly pids?: readonly number[];
}

export interface Measured {
  readonly requestsPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** CPU time of the server for each answer; NaN when it was not measured. */
  readonly cpuUs: number;
  /** Answers that were none, or not 2xx. */
  readonly errors: number;
}

const run = promisify(execFile);
/** Where `autocannon` was installed; undefined: `wrk` is used. */
let autocannonModules: string | undefined;

/**
Chooses the load generator: `wrk` (Debian: package wrk) where it is installed, else autocannon, of which one client takes
more of the CPU than many a server.

@returns what was chosen, with its version
*/
export async function chooseGenerator(installAutocannon: () => Promise<{modules: string; version: string}>): Promise<string> {
  const told = await run('wrk', ['--version']).catch((error: {code?: unknown; stdout?: string}) => error); // it exits with 1
  const {stdout = ''} = told;
  if (!('code' in told) || told.code !== 'ENOENT') return `wrk ${/wrk (?:debian\/)?(\S+)/.exec(stdout)?.[1] ?? ''}`.trim();
  const {modules, version} = await installAutocannon();
  autocannonModules = modules;
  return `autocannon ${version}`;
}

/** Puts load on a server and reads the generator's figures. */
export async function measure(load: Load): Promise<Measured> {
  const {pids} = load;
  const before = pids === undefined ? Number.NaN : cpuMicros(pids);
  const output = autocannonModules === undefined ? await runWrk(load) : await runAutocannon(load, autocannonModules);
  const spentUs = pids === undefined ? Number.NaN : cpuMicros(pids) - before;
  const result = /^RESULT (\d+) (\d+) (\d+) (\d+) (\d+)$/m.exec(output);
  if (!result) throw new Error(`The load generator told no result: ${output}`);
  const [, requests = 0, micros = 1, p50Us = 0, p99Us = 0, errors = 0] = result.map(Number);
  return {requestsPerSecond: requests / (micros / 1e6), p50Us, p99Us, cpuUs: spentUs / requests, errors};
}

async function runWrk(load: Load): Promise<string> {
  const {url, connections, seconds} = load;
  await using stack = new AsyncDisposableStack();
  const script = join(await temporaryFolder(stack), 'load.lua');
  await writeFile(script, wrkScript(load));
  return (await run('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, url])).stdout;
}

/** What wrk sends, and how it tells what came of it. Requests are written before the load begins. */
export function wrkScript({method = 'GET', headers = {}, body = '', each}: Load): string {
  const lines = [
    `wrk.method = ${JSON.stringify(method)}`,
    ...(body === '' ? [] : [`wrk.body = ${luaString(body)}`]),
    ...Object.entries(headers).map(([name, value]) => `wrk.headers[${JSON.stringify(name)}] = ${luaString(value)}`),
  ];
  if (each) {
    lines.push(
      `local values = {${each.values.map(luaString).join(',')}}`,
      'local requests, index = {}, 0',
      'init = function(args)',
      '  for i, value in ipairs(values) do',
      `    wrk.headers[${JSON.stringify(each.header)}] = value`,
      '    requests[i] = wrk.format()',
      '  end',
      'end',
      'request = function()',
      '  index = index % #requests + 1',
      '  return requests[index]',
      'end',
    );
  }
  lines.push(
    'done = function(summary, latency, requests)',
    '  local e = summary.errors',
    '  io.write(string.format("RESULT %d %d %d %d %d\\n", summary.requests, summary.duration,',
    '    latency:percentile(50), latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))',
    'end',
  );
  return lines.join('\n');
}

/** A long string, which knows no escapes; between brackets that the text does not have. */
function luaString(text: string): string {
  let level = '==';
  while (text.includes(`]${level}]`)) level += '=';
  return `[${level}[${text}]${level}]`;
}

async function runAutocannon({pids, ...load}: Load, modules: string): Promise<string> {
  const child = spawn(process.execPath, [projectFile('bench/peers/autocannon.cjs')], {
    env: {...process.env, NODE_PATH: modules},
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(JSON.stringify(load));
  return text(child.stdout);
}
