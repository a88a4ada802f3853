import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import type {ExecutionContext} from 'ava';
import {replyOf} from '../../src/conform/channel/call.ts';
import {Calls} from '../../src/conform/channel/calls.ts';
import type {Run} from '../../src/conform/channel/frames.ts';
import {freePort} from './port.ts';
import {endingWithUs} from './process.ts';

export interface LogRecord {
  stream: 'stdout' | 'stderr';
  invocationId?: string;
  traceId?: string;
  line: string;
  level?: string;
  stack?: string;
}

export interface Reply {
  status: number;
  type: string | undefined;
  length: string | undefined;
  text: string;
}

export interface BridgeOptions {
  binary: string;
  bridge: string;
  /** Arguments of the bridge. */
  args?: readonly string[];
  path: string;
  name?: string;
  env?: Record<string, string>;
  cwd?: string;
  /** Without the descriptor there is no report; readiness is then the port that accepts. */
  channel?: false;
  /** How it is called: over HTTP by default, or in frames on a descriptor of its own. */
  hop?: 'http' | 'channel';
}

export interface CallOptions {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
}

export const token = 'a-token-for-this-boot';

/** A bridge in a process of its own, on a port of its own. It is gone when the test ends. */
export class Bridge {
  readonly port: number;
  readonly child: ChildProcess;
  /** What came over the descriptor, parsed, in order; the load report first. */
  readonly records: unknown[] = [];
  readonly exited: Promise<number | null>;
  /** The core's end of the descriptor for calls. */
  readonly calls: Calls | undefined;
  output = {stdout: '', stderr: ''};
  #waiting = new Set<() => void>();

  constructor(options: BridgeOptions, port: number) {
    this.port = port;
    this.child = spawn(...endingWithUs([options.binary, options.bridge, ...(options.args ?? [])]), {
      env: {
        PATH: process.env.PATH,
        SCW_UPSTREAM_PORT: String(port),
        SCW_HANDLER_PATH: options.path,
        ...(options.name === undefined ? {} : {SCW_HANDLER_NAME: options.name}),
        ...(options.hop === 'channel' ? {CORE_CALLS_FD: '4'} : {CORE_BRIDGE_TOKEN: token}),
        ...(options.channel === false ? {} : {CORE_BRIDGE_FD: '3'}),
        ...options.env,
      },
      cwd: options.cwd,
      stdio: [
        'ignore',
        'pipe',
        'pipe',
        options.channel === false ? 'ignore' : 'pipe',
        ...(options.hop === 'channel' ? ['pipe' as const] : []),
      ],
    });
    if (options.hop === 'channel') this.calls = new Calls(this.child.stdio[4] as net.Socket); // opened as a pipe right here
    this.exited = once(this.child, 'close').then(([code]) => code as number | null);
    this.exited.finally(() => this.#changed()).catch(() => {});
    for (const name of ['stdout', 'stderr'] as const) {
      this.child[name]?.setEncoding('utf8').on('data', (text: string) => {
        this.output[name] += text;
        this.#changed();
      });
    }
    if (options.channel === false) return;
    let rest = '';
    this.channel.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? ''; // half a line when the process was killed
      this.records.push(...lines.map(line => JSON.parse(line)));
      this.#changed();
    });
  }

  get channel(): net.Socket {
    return this.child.stdio[3] as net.Socket; // opened as a pipe above
  }

  /** As the core does it right before its own SIGTERM. */
  letGo(): void {
    this.channel.end();
    this.calls?.end();
  }

  get logs(): LogRecord[] {
    return this.records.flatMap(record => (isLog(record) ? [record.log] : []));
  }

  /** Waits until the claim holds; fails when the process is gone before. */
  async until(claim: () => boolean): Promise<void> {
    while (!claim()) {
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        throw new Error(`The bridge ended early: ${this.output.stderr}`);
      }
      await new Promise<void>(resolve => this.#waiting.add(resolve));
    }
  }

  #changed(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  call(event: unknown, context: Record<string, unknown> = {}, options: CallOptions = {}): Promise<Reply> {
    if (this.calls) return this.#callInFrames(this.calls, event, context);
    return this.send({
      body: JSON.stringify({event, context, handlerPath: '/nowhere/else', handlerName: 'other'}),
      ...options,
    });
  }

  async send({method = 'POST', path = '/', headers = {}, body = ''}: CallOptions): Promise<Reply> {
    const request = http.request({
      host: '127.0.0.1',
      port: this.port,
      method,
      path,
      agent: false,
      signal: AbortSignal.timeout(20_000), // a hang fails the one test that shows it
      headers: {
        'Content-Type': 'application/json',
        'Content-Length': Buffer.byteLength(body),
        'Core-Bridge-Token': token,
        ...headers,
      },
    });
    request.end(body);
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    const text = Buffer.concat(await response.toArray()).toString();
    return {
      status: response.statusCode ?? 0,
      type: response.headers['content-type'],
      length: response.headers['content-length'],
      text,
    };
  }

  async #callInFrames(calls: Calls, event: unknown, context: Record<string, unknown>): Promise<Reply> {
    const {status, contentType, body} = replyOf(await calls.begin(runOf(event, context)).outcome);
    return {status, type: contentType, length: String(body.length), text: body.toString()};
  }

  connect(): net.Socket {
    return net.connect(this.port, '127.0.0.1');
  }

  async stop(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exited;
  }
}

/** What the core sends of an event: the body stands beside the JSON. */
export function runOf(event: unknown, context: Record<string, unknown> = {}): Run {
  if (typeof event !== 'object' || event === null)
    return {form: 0, json: Buffer.from(JSON.stringify({event, context})), body: Buffer.alloc(0)};
  const {body, isBase64Encoded, ...rest} = event as {body?: string; isBase64Encoded?: boolean};
  return {form: isBase64Encoded ? 2 : 0, json: Buffer.from(JSON.stringify({event: rest, context})), body: Buffer.from(body ?? '')};
}

/** Starts a bridge and waits for its report. Another program may grab the free port first: then once more. */
export async function startBridge(t: ExecutionContext, options: BridgeOptions): Promise<Bridge> {
  for (let attempt = 1; ; attempt++) {
    const bridge = new Bridge(options, await freePort());
    t.teardown(() => bridge.stop());
    try {
      if (options.channel === false) await accepts(bridge);
      else await bridge.until(() => bridge.records.length > 0);
      return bridge;
    } catch (error) {
      if (attempt === 3 || !bridge.output.stderr.includes('cannot listen')) throw error;
    }
  }
}

/** A handler file of its own, for a case that one test knows. Returns its path. */
export async function functionFile(t: ExecutionContext, name: string, text: string): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'core-function-'));
  t.teardown(() => rm(folder, {recursive: true, force: true, maxRetries: 5}));
  await writeFile(path.join(folder, name), text);
  return path.join(folder, name);
}

/** The bytes of one request, for a socket of the test's own. */
export function rawRequest(body: string): string {
  return [
    'POST / HTTP/1.1',
    'Host: 127.0.0.1',
    'Content-Type: application/json',
    `Core-Bridge-Token: ${token}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
}

function isLog(record: unknown): record is {log: LogRecord} {
  return typeof record === 'object' && record !== null && 'log' in record;
}

async function accepts(bridge: Bridge): Promise<void> {
  while (bridge.child.exitCode === null) {
    const socket = bridge.connect();
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isOpen) return;
  }
  throw new Error(`The bridge ended early: ${bridge.output.stderr}`);
}
