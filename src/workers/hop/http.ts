import type {buildConnector, Client, Pool} from 'undici';
import type {Clock} from '../../clock.ts';
import type {Fault} from '../../errors.ts';
import {isStray} from '../../hop/fault.ts';
import type {CallEnd, Hop} from '../../hop/hop.ts';
import {metItself} from '../../hop/self-connection.ts';
import {late} from '../../late.ts';
import type {HttpReply, RuntimeCall} from '../../runtime.ts';
import {type Connection, Exchange} from './exchange.ts';
import {Reuse} from './reuse.ts';
import {eventOf, writeRequest} from './text.ts';

export interface UpstreamOptions {
  /** Literal loopback address. */
  readonly host: string;
  readonly port: number;
  /** Calls at a time, each on a connection of its own. */
  readonly connections: number;
  readonly maxReplyBytes: number;
  readonly bridgeToken: string;
  /** True when the sub-runtime is not ours: it may answer a request twice, or before it has read all of the request. */
  readonly isForeign?: boolean;
}

/** Node servers close an idle connection after 5 s. We close it first, so that no call meets a closing connection. */
const idleMs = 4000;

/** Loads undici, which takes 60 ms: call this before the first request needs it. */
export const loadClient = () => late('undici') as typeof import('undici');

const connectMs = 10_000;

/** A request as JSON is longer than its event was charged for. Up to this length nobody asks. */
const smallRequest = 16 * 2 ** 10;

/** Connects to the port. On loopback a connection may meet itself, which is nobody. */
function connector(): buildConnector.connector {
  const connect = loadClient().buildConnector({timeout: connectMs});
  return (options, callback) =>
    connect(options, (...[error, connected]) => {
      if (error) callback(error, null);
      else if (metItself(connected)) {
        connected.resetAndDestroy();
        callback(Object.assign(new Error('connect ECONNREFUSED: nobody listens'), {code: 'ECONNREFUSED'}), null);
      } else callback(null, connected);
    });
}

/** Opens a client with one connection at a time, and gives that connection to every exchange on it. */
function openClient(origin: URL, options: Client.Options, connect: buildConnector.connector): Client {
  const connection: Connection = {socket: null, isUsed: false};
  const client = new (loadClient().Client)(origin, {
    ...options,
    connect: (to, callback) =>
      connect(to, (...[error, socket]) => {
        connection.socket = socket;
        connection.isUsed = false;
        if (error) callback(error, null);
        else callback(null, socket);
      }),
  });
  const dispatch = client.dispatch.bind(client);
  client.dispatch = (request, exchange) => {
    (exchange as Exchange).connection = connection;
    return dispatch(request, exchange);
  };
  return client;
}

/** The loopback hop to one sub-runtime: no proxy, no redirect, no decompression, no retry. */
export class Upstream implements Hop {
  readonly isChannel = false;
  readonly isUnasked = true;
  readonly isDoubtful = false;
  readonly isSilent = false;
  readonly #pool: Pool;
  readonly #clock: Clock;
  readonly #options: UpstreamOptions;
  readonly #staticHeaders: readonly string[];
  readonly #reuse: Reuse;

  constructor(options: UpstreamOptions, clock: Clock) {
    const {host, port, connections} = options;
    this.#options = options;
    this.#clock = clock;
    this.#reuse = new Reuse(options.isForeign === true);
    this.#staticHeaders = ['content-type', 'application/json', 'core-bridge-token', options.bridgeToken];
    const connect = connector();
    this.#pool = new (loadClient().Pool)(`http://${host.includes(':') ? `[${host}]` : host}:${port}`, {
      connections,
      pipelining: 1,
      keepAliveTimeout: idleMs,
      keepAliveMaxTimeout: idleMs,
      // Our own deadline is for the whole call: undici's timeouts never end a reply that drips.
      headersTimeout: 0,
      bodyTimeout: 0,
      factory: (origin, each: Client.Options) => openClient(origin, each, connect),
    });
    this.#pool.on('disconnect', (_origin, _targets, error) => {
      if (isStray(error)) this.#reuse.strayed();
    });
  }

  /**
  One POST to the function.

  @param ended called once, when the sub-runtime is done with the call: it answered or the connection is gone. At the
  deadline the reply fails, but the connection stays until then, as the function cannot be stopped from here.
  @throws NotSent when the connection was refused
  @throws Fault UPSTREAM_TIMEOUT at the deadline, CALLER_LEFT when the signal aborted, UPSTREAM_LOST when it broke off,
  UPSTREAM_PROTOCOL otherwise, INFLIGHT_FULL when the event as JSON has no room
  */
  send(call: RuntimeCall, ended: (end: CallEnd) => void): Promise<HttpReply> {
    const body = writeRequest(eventOf(call), call.trace);
    const full = body.length > smallRequest ? call.eventHold?.growAlone(body.length) : undefined;
    if (!full) return this.post(body, call, ended);
    ended({mayRun: false, sentWhole: false, broke: false, byHost: false, answered: false, isOver: true});
    return Promise.reject(full);
  }

  /** The same with any text in the place of the event. */
  post(body: string, call: Omit<RuntimeCall, 'event'>, ended: (end: CallEnd) => void): Promise<HttpReply> {
    return new Promise((resolve, reject) => {
      const exchange = new Exchange(call, resolve, reject, ended, this.#options.maxReplyBytes, this.#reuse, this.#clock);
      exchange.stopTimer = this.#clock.after(call.deadline - this.#clock.monotonic(), () => exchange.expire());
      call.signal?.addEventListener('abort', exchange.leave, {once: true});
      const headers = this.#staticHeaders.concat('core-invocation-id', call.invocationId, 'core-deadline-ms', String(call.deadlineMs));
      if (call.trace) {
        headers.push('traceparent', call.trace.traceparent);
        if (call.trace.tracestate) headers.push('tracestate', call.trace.tracestate);
      }
      const reset = this.#reuse.isLast(body.length);
      this.#pool.dispatch({method: 'POST', path: '/', headers, body, ...(reset && {reset})}, exchange);
    });
  }

  /** Breaks off every call. */
  destroy(reason: Fault): void {
    void this.#pool.destroy(reason).catch(() => {});
  }
}
