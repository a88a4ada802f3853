import type {IncomingMessage, ServerResponse} from 'node:http';
import type {Socket} from 'node:net';
import type {Fault} from '../../src/errors.ts';
import type {OpenBody} from '../../src/passing.ts';
import {CallerWatches} from './caller-watch.ts';
import {mayHideBytes} from './hidden-bytes.ts';

/** Requests of one connection that are served at a time, from when they are taken until their replies have left. */
export const mostInProgress = 16;

/** Methods without effects (RFC 9110 §9.2.1): only these may be served at the same time on one connection. */
const safe: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/** Where a socket keeps its connection: a property is found faster than an entry of a map. */
const key = Symbol('connection');

type OpenSocket = Socket & {[key]?: Connection};

/**
Called for each new socket of a listener.

@param serve called for each request when its turn has come
*/
export function openConnection(socket: Socket, serve: (response: ServerResponse) => void): Connection {
  const connection = new Connection(socket, serve);
  (socket as OpenSocket)[key] = connection;
  socket.once('close', () => {
    connection.watches.tell();
    connection.endReplies();
  });
  return connection;
}

export function connectionOf(socket: Socket): Connection {
  return (socket as OpenSocket)[key] as Connection; // every socket of a listener has one
}

/**
One connection to a client: which request is its newest, which ones are served and which wait, which replies have not left,
and whether it is over. Requests take turns: RFC 9112 §9.3.2 demands replies in order, and memory demands a bound on how
many are served at a time.
*/
export class Connection {
  readonly socket: Socket;
  readonly watches: CallerWatches;
  newest: ServerResponse | undefined;
  /** No request after the newest is served. */
  isLast = false;
  /** Its last reply, or its refusal, has been decided. */
  isOver = false;
  /** Requests that are being served, until their replies have left. */
  inProgress = 0;
  /** Requests that were read and wait for those before them. */
  readonly waiting: ServerResponse[] = [];
  /** Bytes that were received and that the parser did not get yet. */
  keptBytes = 0;
  /** Bytes of replies that were received from the function and have not left. */
  replyBytes = 0;
  /** The newest request offers an upgrade, and what is sent behind it is no HTTP. */
  tunnel: OpenBody | undefined;
  /** Lets more requests in. Set once a request came while another one was served. */
  letIn: (() => void) | undefined;
  #address: string | undefined;
  readonly #serve: (response: ServerResponse) => void;
  /** The request that is being served may have effects: no other is served beside it. */
  #isExclusive = false;
  /** Bytes that had been received when the newest request was taken, or answered. */
  #takenBytes = 0;
  /** How to stop the reader of the newest request's body; the fault itself when the body broke off before it was read. */
  #body: Fault | ((fault: Fault) => void) | undefined;
  /** Functions to call when the connection closes: one for each reply that has not left. */
  readonly #leaving: (() => void)[] = [];

  constructor(socket: Socket, serve: (response: ServerResponse) => void) {
    this.socket = socket;
    this.watches = new CallerWatches(socket);
    this.#serve = serve;
  }

  /** Where it comes from; an address of IPv4 as people write it. */
  get address(): string {
    this.#address ??= this.socket.remoteAddress?.replace(/^::ffff:/, '');
    return this.#address ?? '';
  }

  /** Takes the next request. @returns false when a request before it was to be the last, so that this one is not served */
  take(response: ServerResponse): boolean {
    if (this.isLast) return false;
    const {req: request} = response;
    this.newest = response;
    this.#body = undefined;
    this.#takenBytes = this.socket.bytesRead - this.keptBytes;
    this.isLast = request.headers.upgrade !== undefined && mayHideBytes(request);
    return true;
  }

  /** Serves a request at once, or when those before it allow it. */
  serveInTurn(response: ServerResponse): void {
    if (this.waiting.length === 0 && this.#mayStart(response.req)) this.#start(response);
    else this.waiting.push(response);
  }

  /** A reply has left, or never will: requests that waited for that are served. */
  replyLeft(): void {
    this.inProgress--;
    if (this.waiting.length === 0 && this.letIn === undefined) return;
    for (let next = this.waiting[0]; next && this.#mayStart(next.req); next = this.waiting[0]) {
      this.waiting.shift();
      if (!this.socket.destroyed) this.#start(next); // a client that has left would not get the reply
    }
    this.letIn?.();
  }

  #mayStart({method = ''}: IncomingMessage): boolean {
    return this.inProgress === 0 || (this.inProgress < mostInProgress && !this.#isExclusive && safe.has(method));
  }

  #start(response: ServerResponse): void {
    this.inProgress++;
    this.#isExclusive = !safe.has(response.req.method ?? '');
    this.#serve(response);
  }

  /** Whether this reply ends the connection. Only the newest can: requests may come while an earlier one is served. */
  endsWith(response: ServerResponse, isWanted: boolean): boolean {
    if (this.newest !== undefined && this.newest !== response) return false;
    this.#takenBytes = this.socket.bytesRead - this.keptBytes;
    if (!isWanted && (this.isOver || !this.isLast)) return false; // a refusal that waits for this reply is the last
    this.isLast = true;
    this.isOver = true;
    return true;
  }

  /** Takes no more requests. @returns the newest; false when there is nothing left to refuse */
  endRequests(): ServerResponse | undefined | false {
    const {newest} = this;
    if (this.isOver || (this.isLast && newest?.req.complete)) return false;
    this.isLast = true;
    this.isOver = true;
    return newest;
  }

  /** The rest of the newest request's body will never come. */
  breakOff(fault: Fault): void {
    if (typeof this.#body === 'function') this.#body(fault);
    else this.#body = fault;
  }

  /** Why the body of a request broke off before it was read, if it did. */
  brokenOff(request: IncomingMessage): Fault | undefined {
    return this.newest?.req === request && typeof this.#body === 'object' ? this.#body : undefined;
  }

  /** Calls `stop` when the body of this request breaks off. */
  onBreakOff(request: IncomingMessage, stop: (fault: Fault) => void): void {
    if (this.newest?.req === request) this.#body = stop;
  }

  /** Calls `end` when the connection closes. Node reports no end for a reply that waits behind another one. */
  addReply(end: () => void): void {
    this.#leaving.push(end);
  }

  removeReply(end: () => void): void {
    const at = this.#leaving.indexOf(end);
    if (at !== -1) this.#leaving.splice(at, 1);
  }

  endReplies(): void {
    for (const end of [...this.#leaving]) end();
  }

  /** Nothing is being received or served, and no reply waits to leave. */
  get isAtRest(): boolean {
    const {newest, waiting, socket} = this;
    const isServed = waiting.length > 0 || (newest !== undefined && !newest.writableFinished && !newest.destroyed);
    return !isServed && socket.writableLength === 0 && this.unservedBytes === 0;
  }

  /** Bytes that came behind the newest request: those of a head that is not whole yet, or of requests that wait. */
  get unservedBytes(): number {
    const {newest, socket} = this;
    if (this.isOver) return 0;
    const isAnswered = newest === undefined || newest.headersSent;
    return Math.max(0, socket.bytesRead - this.#takenBytes - (isAnswered ? 0 : bodyBytes(newest.req)));
  }
}

/** The declared length of a body. A body in chunks declares none: all that comes is taken for it. */
function bodyBytes({headers}: IncomingMessage): number {
  if (headers['transfer-encoding'] !== undefined) return Number.POSITIVE_INFINITY;
  return Number(headers['content-length'] ?? 0);
}
