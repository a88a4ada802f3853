import type {buildConnector, Dispatcher, Pool} from 'undici';
import type {Clock} from '../clock.ts';
import {Fault} from '../errors.ts';
import {late} from '../late.ts';
import {NotSent, type RuntimeCall, type RuntimeReply} from '../runtime.ts';
import {isStray, judged, tooLarge, tooManyInterim, wrongCoding} from './hop-fault.ts';
import {metItself} from './port.ts';

/** How the sub-runtime was done with a call. */
export interface CallEnd {
  /** It may have seen the call. */
  readonly mayRun: boolean;
  /** The connection was refused or broke off, not by us. */
  readonly broke: boolean;
  /** The host had nothing left for a connection. */
  readonly byHost: boolean;
  /** A whole reply came, whether or not anybody still waited for it. */
  readonly answered: boolean;
}

export interface UpstreamOptions {
  /** Literal loopback address. */
  readonly host: string;
  readonly port: number;
  /** An abstract socket that leads to the same sub-runtime as the port, at half the price. */
  readonly socket?: string | undefined;
  /** Calls at a time, each on a connection of its own. */
  readonly connections: number;
  readonly maxReplyBytes: number;
  readonly bridgeToken: string;
  /** It is not ours: it may answer before it has read the whole request, and then once more. */
  readonly isForeign?: boolean;
}

/**
A larger request may come in pieces, and a foreign sub-runtime may answer one before the other has come. Whether it has read
everything cannot be seen from here, so such a request has a connection of its own.
*/
const wholeBytes = 16 * 2 ** 10;

/** Node servers close an idle connection after 5 s; ours goes first, so that no call meets a closing one. */
const idleMs = 4000;
/** Interim answers (1xx) before the reply: somebody may hint, nobody may hint for ever. */
const mostInterim = 1000;

/** Before the first call it costs 60 ms; after that nothing. */
export const loadClient = () => late('undici') as typeof import('undici');

const connectMs = 10_000;

/** Connects to the socket, and to the port where there is none, or where the socket takes nobody: its queue may be full. */
function connector(socket: string | undefined): buildConnector.connector {
  const {buildConnector} = loadClient();
  const connect = buildConnector({timeout: connectMs});
  const toPort: buildConnector.connector = (options, callback) =>
    connect(options, (...[error, connected]) => {
      if (error) callback(error, null);
      else if (metItself(connected)) {
        connected.resetAndDestroy();
        callback(Object.assign(new Error('connect ECONNREFUSED: nobody listens'), {code: 'ECONNREFUSED'}), null);
      } else callback(null, connected);
    });
  if (socket === undefined) return toPort;
  const toSocket = buildConnector({timeout: connectMs, socketPath: `\0${socket}`});
  return (options, callback) =>
    toSocket(options, (...[error, connected]) => {
      if (error) toPort(options, callback);
      else callback(null, connected);
    });
}

/** The loopback hop to one sub-runtime: no proxy, no redirect, no decompression, no retry. */
export class Upstream {
  readonly #pool: Pool;
  readonly #clock: Clock;
  readonly #options: UpstreamOptions;
  readonly #staticHeaders: readonly string[];
  /** It has sent what belongs to no request: from then on no connection is used twice, as such bytes may be another call's reply. */
  #isStraying = false;

  constructor(options: UpstreamOptions, clock: Clock) {
    const {host, port, socket, connections} = options;
    this.#options = options;
    this.#clock = clock;
    this.#staticHeaders = ['content-type', 'application/json', 'core-bridge-token', options.bridgeToken];
    this.#pool = new (loadClient().Pool)(`http://${host.includes(':') ? `[${host}]` : host}:${port}`, {
      connections,
      pipelining: 1,
      keepAliveTimeout: idleMs,
      keepAliveMaxTimeout: idleMs,
      // The deadline is ours and total: undici's own would forgive a reply that drips.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: connector(socket),
    });
    this.#pool.on('disconnect', (_origin, _targets, error) => {
      this.#isStraying ||= isStray(error);
    });
  }

  /**
  One POST to the function.

  @param ended called once, when the sub-runtime is done with the call: it answered or the connection is gone. At the
  deadline the reply fails, but the connection stays until then, as the function cannot be stopped from here.
  @throws NotSent when the connection was refused
  @throws Fault UPSTREAM_TIMEOUT at the deadline, CALLER_LEFT when the signal aborted, UPSTREAM_LOST when it broke off,
  UPSTREAM_PROTOCOL otherwise
  */
  send(call: RuntimeCall, ended: (end: CallEnd) => void): Promise<RuntimeReply> {
    return new Promise((resolve, reject) => {
      const exchange = new Exchange(call, resolve, reject, ended, this.#options, this.#clock);
      exchange.stopTimer = this.#clock.after(call.deadline - this.#clock.monotonic(), () => exchange.expire());
      call.signal?.addEventListener('abort', exchange.leave, {once: true});
      const headers = this.#staticHeaders.concat('core-invocation-id', call.invocationId, 'core-deadline-ms', String(call.deadlineMs));
      if (call.trace) {
        headers.push('traceparent', call.trace.traceparent);
        if (call.trace.tracestate) headers.push('tracestate', call.trace.tracestate);
      }
      const reset = this.#isStraying || (this.#options.isForeign === true && call.body.length > wholeBytes);
      this.#pool.dispatch({method: 'POST', path: '/', headers, body: call.body, ...(reset && {reset})}, exchange);
    });
  }

  /** Breaks off every call. */
  destroy(reason: Fault): void {
    void this.#pool.destroy(reason).catch(() => {});
  }
}

class Exchange implements Dispatcher.DispatchHandler {
  stopTimer = () => {};
  readonly #call: RuntimeCall;
  readonly #resolve: (reply: RuntimeReply) => void;
  readonly #reject: (error: Error) => void;
  readonly #ended: (end: CallEnd) => void;
  readonly #maxBytes: number;
  readonly #clock: Clock;
  #controller: Dispatcher.DispatchController | undefined;
  /** The reply is not wanted any more: what still comes is dropped. */
  #isGivenUp = false;
  #wasSent = false;
  #status = 0;
  #contentType = '';
  #framed = false;
  #interim = 0;
  #bytes = 0;
  #chunks: Buffer[] = [];
  /** All of a reply whose length was declared, in one piece from the start: joined later it would be there twice. */
  #whole: Buffer | undefined;
  #declaredBytes = 0;

  constructor(
    call: RuntimeCall,
    resolve: (reply: RuntimeReply) => void,
    reject: (error: Error) => void,
    ended: (end: CallEnd) => void,
    {maxReplyBytes}: UpstreamOptions,
    clock: Clock,
  ) {
    this.#call = call;
    this.#clock = clock;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#ended = ended;
    this.#maxBytes = maxReplyBytes;
  }

  expire(): void {
    this.#giveUp(new Fault('UPSTREAM_TIMEOUT', {message: `The function did not answer within ${this.#call.timeoutMs} ms`}));
  }

  /** Closing the connection tells our bridges to abort the call. */
  readonly leave = (): void => {
    const left = new Fault('CALLER_LEFT');
    this.#giveUp(left);
    this.#controller?.abort(left);
  };

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // Given up before it was sent: then it must not be sent at all.
    if (this.#isGivenUp) controller.abort(new Fault('UPSTREAM_TIMEOUT'));
    else this.#wasSent = true;
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: Record<string, string | string[] | undefined>) {
    if (status < 200) {
      if (++this.#interim > mostInterim) controller.abort(tooManyInterim());
      return;
    }
    this.#status = status;
    const contentType = headers['content-type'];
    this.#contentType = typeof contentType === 'string' ? contentType : '';
    this.#declaredBytes = Number(headers['content-length'] ?? 0);
    const coding = headers['transfer-encoding'];
    this.#framed = headers['content-length'] !== undefined || coding !== undefined;
    if (coding !== undefined && String(coding).trim().toLowerCase() !== 'chunked') controller.abort(wrongCoding(String(coding)));
    else if (this.#declaredBytes > this.#maxBytes) controller.abort(tooLarge());
    else this.#takeRoom(controller, this.#declaredBytes);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#maxBytes) controller.abort(tooLarge());
    else if (!this.#isGivenUp) this.#keep(controller, chunk);
  }

  #keep(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#takeRoom(controller, this.#bytes);
    if (chunk.length < this.#declaredBytes && this.#bytes <= this.#declaredBytes) {
      this.#whole ??= Buffer.allocUnsafeSlow(this.#declaredBytes);
      chunk.copy(this.#whole, this.#bytes - chunk.length);
    } else this.#chunks.push(chunk);
  }

  /** Charges the reply. Where there is no room, the sub-runtime keeps what it has not sent until there is. */
  #takeRoom(controller: Dispatcher.DispatchController, bytes: number): void {
    const {replyHold} = this.#call;
    if (!replyHold || this.#isGivenUp || controller.paused) return;
    const isGiven = replyHold.growReply(bytes, fault => {
      if (fault) controller.abort(fault);
      else controller.resume();
    });
    if (!isGiven) controller.pause();
  }

  onResponseEnd(): void {
    // Our timer may come late on a busy machine: a bridge that ended the call for its time is not to be the one who says so.
    if (this.#clock.monotonic() >= this.#call.deadline) this.expire();
    this.#close({broke: false, byHost: false, answered: true});
    this.#resolve({status: this.#status, contentType: this.#contentType, framed: this.#framed, body: this.#body()});
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    const verdict = judged(error);
    const isUnsent = verdict instanceof NotSent;
    const broke = !this.#isGivenUp && (isUnsent || verdict.code === 'UPSTREAM_LOST');
    this.#close({broke, byHost: isUnsent && verdict.byHost, answered: false});
    this.#reject(verdict);
  }

  #body(): Buffer {
    if (this.#whole) return this.#whole;
    return this.#chunks.length === 1 && this.#chunks[0] ? this.#chunks[0] : Buffer.concat(this.#chunks);
  }

  #giveUp(fault: Fault): void {
    this.#isGivenUp = true;
    this.#chunks = [];
    this.#whole = undefined;
    this.#controller?.resume(); // what still comes is dropped
    this.#reject(fault);
  }

  #close(how: Omit<CallEnd, 'mayRun'>): void {
    this.stopTimer();
    this.#call.signal?.removeEventListener('abort', this.leave);
    this.#ended({mayRun: this.#wasSent, ...how});
  }
}
