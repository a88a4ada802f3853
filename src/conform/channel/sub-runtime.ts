import {randomUUID} from 'node:crypto';
import type {HttpReply} from '../../runtime.ts';
import {accepts, freePort} from '../../workers/process/port.ts';
import {Caller, type CallOptions} from '../caller.ts';
import {type Script, writeCall} from '../script.ts';
import type {SubRuntimeOptions} from '../sub-runtime.ts';
import {replyOf} from './call.ts';
import {Calls} from './calls.ts';
import type {Form, Run} from './frames.ts';
import {Program, type Report} from './program.ts';

const host = '127.0.0.1';
const callMs = 20_000;
const stopMs = 5000;
const pollMs = 20;
/** How long to wait for the report of a program whose port accepts. */
const lateReportMs = 500;
/** Most calls at a time that the cases make. */
export const several = 20;
/** The version of the frames that the cases use. */
const version = 1;

interface RunOptions extends CallOptions {
  readonly form?: Form;
  /** That of the request, in place of the usual one. */
  readonly query?: string | undefined;
}

/** A sub-runtime that is called on the channel. */
export class ChannelSubRuntime extends Caller {
  readonly calls: Calls;
  readonly port: number;
  /** True when it takes several calls at a time. */
  takesSeveral = false;
  /** True when it says that it answers nothing while a call runs: others wait for that one. */
  isSilentInCalls = false;
  /** True when its function makes bodies piece by piece. */
  streams = false;
  /** True when it says that it reads bodies as they come. */
  takesBodies = false;
  readonly #options: SubRuntimeOptions;
  readonly #program: Program;

  /** @returns undefined when the program does not say that it speaks on the channel */
  static async start(options: SubRuntimeOptions, attempts = 3): Promise<ChannelSubRuntime | undefined> {
    const {signal, clock} = options;
    signal.throwIfAborted();
    const sub = new ChannelSubRuntime(options, await freePort(host));
    signal.addEventListener('abort', () => sub.#program.signal('SIGKILL'), {once: true});
    const startedAt = clock.now();
    const report = await sub.#reported();
    signal.throwIfAborted();
    if (report?.calls !== version) {
      const hasEnded = report === undefined && (await sub.endsWithin(0));
      await sub[Symbol.asyncDispose]();
      if (!hasEnded) return undefined;
      if (attempts > 1) return ChannelSubRuntime.start(options, attempts - 1); // its port may have been taken
      throw new Error([`with CORE_CALLS_FD it ended: ${await sub.ended}`, ...sub.lines.slice(-10).map(({line}) => `  ${line}`)].join('\n'));
    }
    sub.bootMs = clock.now() - startedAt;
    if (report.loaded === false) sub.loadError = String(report.error ?? '');
    sub.isSilentInCalls = report.answersPing === false;
    sub.takesBodies = report.bodies === true;
    sub.takesSeveral =
      typeof report.concurrency === 'number' ? report.concurrency >= several : await sub.#answersInBetween().catch(() => false);
    sub.streams = await sub.#makesPieces().catch(() => false);
    return sub;
  }

  private constructor(options: SubRuntimeOptions, port: number) {
    super();
    const {command, environment, handlerPath, handlerName} = options;
    const protocol = {
      SCW_UPSTREAM_HOST: host,
      SCW_UPSTREAM_PORT: String(port),
      SCW_HANDLER_PATH: handlerPath,
      SCW_HANDLER_NAME: handlerName,
    };
    this.port = port;
    this.#options = options;
    this.#program = new Program({command, environment: {...environment, ...protocol}, line: line => void this.lines.push(line)});
    this.calls = new Calls(this.#program.calls);
  }

  get pid(): number {
    return this.#program.pid;
  }

  /** What ended it: a signal, or `exit code N`. */
  get ended(): Promise<string> {
    return this.#program.ended;
  }

  endsWithin(ms: number): Promise<boolean> {
    return this.within(ms, this.#program.ended);
  }

  /** Whether a promise settles in this time. */
  async within(ms: number, promise: Promise<unknown>): Promise<boolean> {
    const stopWaiting = new AbortController();
    const late = this.#options.clock.sleep(ms, stopWaiting.signal).then(() => 'late');
    const first = await Promise.race([promise.then(settled, settled), late]);
    stopWaiting.abort();
    return first !== 'late';
  }

  /** Waits until the claim holds, or for that long. @returns for how many milliseconds it has waited */
  async until(claim: () => boolean, ms: number): Promise<number> {
    const {clock} = this.#options;
    const startedAt = clock.monotonic();
    while (!claim() && clock.monotonic() < startedAt + ms) await clock.sleep(5);
    return clock.monotonic() - startedAt;
  }

  async call(script: Script, options?: CallOptions): Promise<HttpReply> {
    return this.replyTo(this.calls.begin(this.run(script, options)).outcome);
  }

  /** @throws Error when it does not come in time */
  async replyTo(outcome: ReturnType<Calls['begin']>['outcome']): Promise<HttpReply> {
    if (!(await this.within(callMs, outcome))) throw new Error(`no reply came within ${callMs / 1000} s`);
    return replyOf(await outcome);
  }

  /** What a CALL carries for the script. */
  run(script: Script, {invocationId = randomUUID(), form = Buffer.isBuffer(script) ? 1 : 0, query}: RunOptions = {}): Run {
    const {clock, handlerPath, handlerName} = this.#options;
    const written = writeCall(script, {handlerPath, handlerName}, {id: invocationId, deadlineMs: clock.now() + callMs, query});
    const {event, context} = JSON.parse(written);
    const {body: _, isBase64Encoded: __, ...rest} = event;
    const bytes = Buffer.isBuffer(script) ? script : Buffer.from(JSON.stringify(script));
    const body = form === 2 ? Buffer.from(bytes.toString('base64')) : bytes;
    return {form, json: Buffer.from(JSON.stringify({event: rest, context})), body};
  }

  override async isUsable(ms: number): Promise<boolean> {
    return this.calls.broken === undefined && super.isUsable(ms);
  }

  /** Waits for a PONG: a frame too many would come before it. */
  override async settle(): Promise<void> {
    if (!(await this.within(callMs, this.calls.ping()))) throw new Error('PING was not answered after the case');
    if (this.calls.broken) throw this.calls.broken;
  }

  async stop(): Promise<string> {
    this.#program.letGo();
    this.calls.end();
    this.#program.signal('SIGTERM');
    if (!(await this.endsWithin(stopMs))) this.#program.signal('SIGKILL');
    return this.#program.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#program.signal('SIGKILL');
    await this.#program.ended;
  }

  /** What it reports, unless its port accepts or it ends before. */
  async #reported(): Promise<Report | undefined> {
    const {report, ended} = this.#program;
    const first = Promise.race([report, ended]);
    for (let waited = 0; waited < this.#options.startMs; waited += pollMs) {
      if ((await this.within(pollMs, first)) || (await accepts(host, this.port))) break;
    }
    return (await this.within(lateReportMs, report)) ? report : undefined;
  }

  /** Whether a short call that was sent after a longer one is answered first. */
  async #answersInBetween(): Promise<boolean> {
    const long = this.calls.begin(this.run({do: 'slow', ms: 300})).outcome;
    const short = this.calls.begin(this.run({do: 'nothing'})).outcome;
    const first = await Promise.race([long.then(isLong), short.then(isShort)]);
    await Promise.all([long, short]);
    return first === 'short';
  }

  async #makesPieces(): Promise<boolean> {
    const call = this.calls.begin(this.run({do: 'stream', piece: 'x', count: 1, ms: 0}));
    await call.outcome;
    return call.isStreamed;
  }
}

const settled = () => 'settled';
const isLong = () => 'long';
const isShort = () => 'short';
