import type {IncomingMessage, ServerResponse} from 'node:http';
import type {Delivery, Fields, Holder, InvocationResult, RequestInput, SpanSubject} from '../../src/delivery.ts';
import {Fault} from '../../src/errors.ts';
import {defaultHeaders} from '../../src/http/answer.ts';
import type {Hold, Place} from '../../src/limits/budget.ts';
import {hasBody, readBody} from './body.ts';
import {type Connection, connectionOf} from './connection.ts';
import type {Edge} from './edge.ts';
import type {Leaving} from './readers.ts';
import {parseTarget, type Target} from './target.ts';

/** A platform's scheduler may call with this field; what each value makes the event's type. */
const triggerTypes: Readonly<Record<string, string>> = {
  '': 'http',
  http: 'http',
  cron: 'cron',
  mqtt: 'mqtt',
  nats: 'nats',
  sqs: 'sqs',
};

/** A request on the public port. */
export class HttpDelivery implements Delivery, Fields, Holder, Leaving, Place {
  readonly source = 'http';
  readonly writeAhead = false;
  exemplar: string | undefined;
  readonly #connection: Connection;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #edge: Edge;
  readonly #startedAt: number;
  readonly #target: Target;
  /** What the reply takes while it is received, and until it has left. */
  readonly replyHold: Hold;
  #abort: AbortController | undefined;
  #hold: Hold | undefined;
  #isCalled = false;
  #isReplied = false;
  #hasLeft = false;
  isOfFunction = false;

  /** @throws Fault REQUEST_MALFORMED for a target that is neither a path nor a URL */
  constructor(response: ServerResponse, edge: Edge, startedAt: number) {
    const request = response.req;
    this.#connection = connectionOf(request.socket);
    this.#request = request;
    this.#response = response;
    this.#edge = edge;
    this.#startedAt = startedAt;
    this.#target = parseTarget(request.url ?? '');
    this.replyHold = edge.budget.open('reply', startedAt, this);
    edge.inFlight++;
  }

  get eventHold(): Hold | undefined {
    return this.#hold;
  }

  get path(): string {
    return this.#target.path;
  }

  get signal(): AbortSignal {
    if (!this.#abort) {
      const abort = new AbortController();
      this.#abort = abort;
      const {socket} = this.#request;
      const leave = () => {
        socket.off('end', leave);
        abort.abort();
      };
      if (this.#response.closed) leave();
      this.#response.once('close', leave);
      socket.once('end', leave); // whoever asks for the signal takes a half-closed client for gone
    }
    return this.#abort.signal;
  }

  /** A preflight carries no token; a private function's caller must still learn that it may send one. */
  get anonymousReply(): InvocationResult | undefined {
    const {method, headers} = this.#request;
    const isPreflight = method === 'OPTIONS' && headers.origin !== undefined && headers['access-control-request-method'] !== undefined;
    return isPreflight ? preflightResult : undefined;
  }

  get traceCarrier(): Fields {
    return this;
  }

  get(field: string): string {
    return String(this.#request.headers[field.toLowerCase()] ?? '');
  }

  subject(): SpanSubject {
    const {method = '', headers} = this.#request;
    return {trigger: 'http', method, path: this.#target.path, address: (headers.host ?? '').replace(/:\d+$/, '')};
  }

  async input(): Promise<RequestInput> {
    const request = this.#request;
    const claimed = request.headers.scw_trigger_type ?? '';
    const eventType = Object.hasOwn(triggerTypes, String(claimed)) ? triggerTypes[String(claimed)] : undefined;
    if (eventType === undefined) throw new Fault('TRIGGER_UNKNOWN');
    const isHttp = eventType === 'http';
    const body = hasBody(request) ? await this.#readBody() : nothing;
    return {
      shape: 'request',
      eventType,
      reply: isHttp ? 'http' : 'outcome',
      method: isHttp ? (request.method ?? '') : 'POST',
      path: isHttp ? this.#target.path : '/',
      query: isHttp ? this.#target.query : '',
      headers: request.rawHeaders,
      body,
      sourceIp: (request.socket.remoteAddress ?? '').replace(/^::ffff:/, ''),
      holder: this,
    };
  }

  called(): void {
    this.#isCalled = true;
  }

  reply(result: InvocationResult): void {
    const {fault} = result;
    // What was handed back, or whose call was broken off, is counted as such already.
    this.isOfFunction = this.#isCalled && (!fault || (fault.reached && fault.code !== 'UPSTREAM_LOST'));
    this.#hold?.release();
    this.#hold = undefined;
    const edge = this.#edge;
    if (!this.#isReplied) edge.inFlight--;
    this.#isReplied = true;
    this.replyHold.set(result.body.length);
    edge.replies.write(this.#response, result, {close: edge.isClosing, isBusy: edge.inFlight > 0, leaving: this});
    const seconds = (edge.clock.monotonic() - this.#startedAt) / 1000;
    edge.meter.requestEnded(this.#request.method ?? '', result.status, seconds, this.exemplar);
  }

  get bytes(): number {
    return this.replyHold.bytes;
  }

  /** Its connection sends this answer now, or as soon as there is one. */
  isNext(): boolean {
    return this.#response.socket !== null;
  }

  replyBytes(): number {
    return this.#connection.replyBytes;
  }

  held(change: number): void {
    this.#connection.replyBytes += change;
  }

  left(): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.replyHold.release();
    this.#connection.replyLeft();
  }

  #readBody(): Promise<Buffer> {
    this.#hold = this.#edge.budget.open('body', this.#startedAt);
    return readBody(this.#connection, this.#request, {
      maxBytes: this.#edge.maxBodyBytes,
      headBytes: largeHeadBytes(this.#request),
      hold: this.#hold,
      senders: this.#edge.senders,
      onStart: () => {
        // A client of HTTP/1.0 cannot read an answer before the answer (RFC 9110 §10.1.1).
        if (this.#request.headers.expect !== undefined && this.#request.httpVersion === '1.1') this.#response.writeContinue();
      },
    });
  }

  /** @throws Fault INFLIGHT_FULL */
  written(length: number): void {
    const isSmall = !this.#hold && length < smallEvent;
    this.#hold ??= this.#edge.budget.open('event', this.#startedAt);
    this.#hold.become('event');
    const full = isSmall ? this.#hold.set(length) : this.#hold.growAlone(length);
    if (full) throw full;
  }
}

/** An event without a body that is below this is charged, but never refused: the queue's length bounds those. */
const smallEvent = 16 * 2 ** 10;

/** What a head adds to the bytes in flight; 0 for a small one: the event that it becomes is charged. */
function largeHeadBytes({rawHeaders}: IncomingMessage): number {
  let bytes = 0;
  for (const text of rawHeaders) bytes += text.length;
  return bytes < smallEvent ? 0 : bytes;
}

const nothing = Buffer.alloc(0);

/** The Fetch standard's CORS protocol; the id of the invocation is added by whoever answers. */
const preflightResult: InvocationResult = {
  status: 204,
  headers: Object.entries({
    ...defaultHeaders,
    'Access-Control-Allow-Headers': 'Content-Type, Authorization, X-Auth-Token, SCW-Functions-Token',
    'Access-Control-Allow-Methods': 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS',
    'Access-Control-Max-Age': '600',
  }).flat(),
  body: '',
};
