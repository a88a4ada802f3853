import {randomBytes, randomUUID} from 'node:crypto';
import type {Clock} from '../clock.ts';
import {Fault} from '../errors.ts';
import type {Command, HttpReply, StartRecord} from '../runtime.ts';
import {Upstream} from '../workers/hop/http.ts';
import {Child} from '../workers/process/child.ts';
import {accepts, freePort} from '../workers/process/port.ts';
import {Caller, type CallOptions} from './caller.ts';
import {namedCall} from './named-call.ts';
import {type Script, writeCall} from './script.ts';

export interface SubRuntimeOptions {
  readonly command: readonly [string, ...string[]];
  /** Its environment, without the variables of the protocol. */
  readonly environment: Readonly<Record<string, string>>;
  readonly handlerPath: string;
  readonly handlerName: string;
  /** `port`: it is ready when its port accepts, or when it reports. `report`: only when it reports. */
  readonly readiness: Command['readiness'];
  readonly startMs: number;
  /** Ends it at once. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

const host = '127.0.0.1';
const callMs = 20_000;
const stopMs = 5000;
const payloadMaxBytes = 6 * 2 ** 20;

/** A sub-runtime that is called over HTTP, as the core does it. */
export class SubRuntime extends Caller {
  readonly port: number;
  readonly #options: SubRuntimeOptions;
  readonly #child: Child;
  readonly #bridgeToken: string;
  readonly #upstream: Upstream;
  readonly #stranger: Upstream;
  readonly #started = Promise.withResolvers<StartRecord>();
  /** What ended it: a signal, or `exit code N`. */
  readonly #ended = Promise.withResolvers<string>();

  /** @throws Error when it did not become ready, with what it wrote */
  static async start(options: SubRuntimeOptions, attempts = 3): Promise<SubRuntime> {
    const sub = new SubRuntime(options, await freePort(host));
    options.signal.throwIfAborted();
    options.signal.addEventListener('abort', () => sub.#child.end('stopped'), {once: true});
    const {error, exitCode, startedAt, endedAt} = await sub.#started.promise;
    // Between the choice of a port and its use, another program may have taken it: that says nothing about the sub-runtime.
    const isTaken = exitCode !== undefined && sub.lines.some(({line}) => /address already in use/i.test(line));
    if (isTaken && attempts > 1) return SubRuntime.start(options, attempts - 1);
    if (exitCode !== undefined) throw new Error([error, ...sub.lines.slice(-10).map(({line}) => `  ${line}`)].join('\n'));
    sub.bootMs = endedAt - startedAt;
    sub.loadError = error;
    // A load that failed is reported before the port accepts, which alone would pass for success.
    const isLate = () => options.clock.now() >= startedAt + options.startMs;
    while (error !== undefined && !isLate() && !(await accepts(host, sub.port)) && !(await sub.endsWithin(20)));
    return sub;
  }

  private constructor(options: SubRuntimeOptions, port: number) {
    const {command, environment, handlerPath, handlerName, readiness, startMs, clock} = options;
    const [file, ...args] = command;
    const bridgeToken = randomBytes(24).toString('base64url');
    const protocol = {
      SCW_UPSTREAM_HOST: host,
      SCW_UPSTREAM_PORT: String(port),
      SCW_HANDLER_PATH: handlerPath,
      SCW_HANDLER_NAME: handlerName,
      SCW_PAYLOAD_MAX_SIZE: String(payloadMaxBytes),
      CORE_BRIDGE_TOKEN: bridgeToken,
      CORE_BRIDGE_FD: '3',
    };
    super();
    this.port = port;
    this.#bridgeToken = bridgeToken;
    this.#options = options;
    this.#child = new Child(
      {
        command: {file, args, readiness, concurrency: 1},
        environment: {...environment, ...protocol},
        host,
        port,
        startTimeoutMs: startMs,
        user: undefined,
        memoryBytes: undefined,
        hasCalls: false,
      },
      {
        ready: (_report, start) => this.#started.resolve(start),
        exited: ({start, signal, code}) => {
          this.#ended.resolve(signal ?? `exit code ${code}`);
          if (start) this.#started.resolve(start);
        },
        line: line => void this.lines.push(line),
        settled() {},
        linesDropped() {},
        mayServe: () => true,
      },
      {clock, ooms: {kills: () => 0}},
    );
    const hop = {host, port, connections: 20, maxReplyBytes: 2 ** 26};
    this.#upstream = new Upstream({...hop, bridgeToken}, clock);
    this.#stranger = new Upstream({...hop, bridgeToken: 'another'}, clock);
  }

  async endsWithin(ms: number): Promise<boolean> {
    const stopWaiting = new AbortController();
    const late = this.#options.clock.sleep(ms, stopWaiting.signal).then(() => 'late');
    const first = await Promise.race([this.#ended.promise, late]);
    stopWaiting.abort();
    return first !== 'late';
  }

  call(script: Script, options: CallOptions = {}): Promise<HttpReply> {
    return this.send(this.#protocolCall(script, options), options);
  }

  /** The same, from a caller that does not know the token. */
  callAsStranger(script: Script): Promise<HttpReply> {
    return this.#post(this.#stranger, this.#protocolCall(script, {}), randomUUID());
  }

  /** The call that the reply names; undefined when it names none. */
  named(script: Script, invocationId: string): Promise<string | undefined> {
    const body = this.#protocolCall(script, {invocationId});
    return namedCall({host, port: this.port, bridgeToken: this.#bridgeToken, invocationId, body, timeoutMs: callMs});
  }

  /** Any text as the request's body. */
  send(body: string, {invocationId = randomUUID()}: CallOptions = {}): Promise<HttpReply> {
    return this.#post(this.#upstream, body, invocationId);
  }

  async stop(): Promise<string> {
    await this.#child.stop('stopped', stopMs);
    return this.#ended.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.end('stopped');
    await this.#child.exit;
    for (const upstream of [this.#upstream, this.#stranger]) upstream.destroy(new Fault('UPSTREAM_LOST'));
  }

  #post(upstream: Upstream, body: string, invocationId: string): Promise<HttpReply> {
    const {clock} = this.#options;
    const deadline = {deadlineMs: clock.now() + callMs, deadline: clock.monotonic() + callMs, timeoutMs: callMs};
    return upstream.post(body, {...deadline, invocationId, signal: undefined, trace: undefined}, () => {});
  }

  #protocolCall(script: Script, {handlerPath = this.#options.handlerPath, invocationId = randomUUID()}: CallOptions): string {
    const {clock, handlerName} = this.#options;
    return writeCall(script, {handlerPath, handlerName}, {id: invocationId, deadlineMs: clock.now() + callMs});
  }
}
