import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {accepts} from '../../src/workers/process/port.ts';
import {projectFile, type RunningCore, startCore, type Teardown} from './core.ts';
import {freePort} from './port.ts';
import {endingWithUs} from './process.ts';
import {type Answer, ask, askRaw} from './request.ts';

const program = projectFile('test/fixtures/servers/server.cjs');

/** A core in front of the server of the fixtures, or of another program for Node. */
export function startPassing(env: Record<string, string> = {}, t?: Teardown, server = program): Promise<RunningCore> {
  const command = {SCW_RUNTIME_BINARY: process.execPath, SCW_RUNTIME_BRIDGE: server, SCW_HANDLER_PATH: server};
  return startCore({CORE_PROTOCOL: 'http', SCW_PUBLIC: 'true', ...command, ...env}, t);
}

/** The same server, or another program in a folder of its own, with nothing in front of it. */
export async function startBare(
  command: readonly [string, ...string[]] = [process.execPath, program],
  cwd?: string,
): Promise<{url: string; stop(): Promise<unknown>}> {
  const port = await freePort();
  const {PATH = '', NODE_ENV} = process.env;
  const child: ChildProcess = spawn(...endingWithUs(command), {
    cwd,
    env: {PATH, ...(NODE_ENV && {NODE_ENV}), HOST: '127.0.0.1', PORT: String(port)}, // with NODE_ENV as behind the core
    stdio: 'ignore',
  });
  while (!(await accepts('127.0.0.1', port))) {
    if (child.exitCode !== null) throw new Error(`${command.join(' ')} exited with ${child.exitCode}`);
    await new Promise(resolve => setTimeout(resolve, 5));
  }
  const exited = once(child, 'exit');
  return {
    url: `http://127.0.0.1:${port}`,
    stop() {
      child.kill('SIGTERM');
      return exited;
    },
  };
}

/** A request as the server got it. */
export interface Told {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly string[];
  readonly trailers: readonly string[];
  readonly body: string;
}

/** What the core adds to a request, or says of its own hop. */
const added = /^(x-forwarded-(for|proto|host)|core-(invocation-id|deadline-ms|bridge-token)|traceparent|connection|transfer-encoding)$/i;

/** A request as it arrived, but for what the core adds. */
export function withoutAdded(told: Told): Told {
  const headers = told.headers.filter((_, index) => !added.test(told.headers[index - (index % 2)] ?? ''));
  return {...told, headers};
}

/** Sends a request byte for byte, on a connection that ends with it, and reads what the server says it got. */
export async function toldBy(url: string, request: string | Buffer): Promise<Told> {
  const text = Buffer.from(await askRaw(url, request), 'latin1').toString();
  const at = text.indexOf('{"method"');
  if (at === -1) throw new Error(`The server told nothing: ${text}`);
  return JSON.parse(text.slice(at, text.lastIndexOf('}') + 1));
}

/** What the server counted. */
export async function countsOf(url: string): Promise<{left: number; written: number; blocked: number; calls: number; last: Told}> {
  return (await ask(`${url}/counts`)).json();
}

/** Asks until the counts fit. */
export async function untilCounts(url: string, fits: (counts: Awaited<ReturnType<typeof countsOf>>) => boolean): Promise<void> {
  while (!fits(await countsOf(url))) await new Promise(resolve => setTimeout(resolve, 10));
}

/** A path for which the server answers with these bytes, and says that it closes the connection. */
export const raw = (bytes: string, how: 'raw' | 'reset' = 'raw') =>
  rawPath(bytes.replace(/^(HTTP\/1\.[01] [^\r]*\r\n)/, '$1Connection: close\r\n'), how);

/** The same for exactly these bytes. */
export const rawPath = (bytes: string, how: 'raw' | 'reset' = 'raw') => `/${how}/${Buffer.from(bytes, 'latin1').toString('base64url')}`;

/** The last fact about the invocation of an answer, once it is there. */
export async function settledOf(core: RunningCore, answer: Pick<Answer, 'field'>): Promise<Record<string, unknown>> {
  const url = `${core.adminUrl}/api/facts?stream=invocation.${answer.field('core-invocation-id')}`;
  for (;;) {
    const line = (await ask(url))
      .text()
      .split('\n')
      .find(each => each.includes('invocation.settled'));
    if (line !== undefined) return JSON.parse(line).data;
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}
