import type {IncomingMessage, ServerResponse} from 'node:http';
import type {Delivery, Fields, Holder, InvocationResult, RequestInput, SpanSubject} from '../../src/delivery.ts';
import type {Hold, Place} from '../../src/limits/budget.ts';
import {hasBody, largeHeadBytes, readBody, smallEvent, type Turn} from './body.ts';
import {abortWhenOver, CallerWatch} from './caller-watch.ts';
import {type Connection, connectionOf} from './connection.ts';
import type {Edge} from './edge.ts';
import {openInput} from './open-input.ts';
import {preflightReply} from './preflight.ts';
import type {Leaving} from './readers.ts';
import {eventTypeOf, parseTarget, rawTarget, type Target} from './target.ts';

/** A request on the public port. */
export class HttpDelivery implements Delivery, Fields, Holder, Leaving, Place {
  readonly source = 'http';
  readonly writeAhead = false;
  readonly streams = true;
  exemplar: string | undefined;
  readonly #connection: Connection;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #edge: Edge;
  readonly #startedAt: number;
  readonly #target: Target;
  /** The bytes of the reply, from when they are received until they have left. */
  readonly replyHold: Hold;
  #signal: AbortSignal | undefined;
  #watch: CallerWatch | undefined;
  #hold: Hold | undefined;
  #turn: Turn | undefined;
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
    this.#target = parseTarget(request.url ?? '', edge.passes);
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
    this.#signal ??= abortWhenOver(this.#response);
    return this.#signal;
  }

  get callerSignal(): CallerWatch {
    if (!this.#watch) {
      this.#watch = new CallerWatch();
      this.#connection.watches.add(this.#watch);
    }
    return this.#watch;
  }

  get anonymousReply(): InvocationResult | undefined {
    return preflightReply(this.#request);
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

  /** A call that is passed through ends when its caller leaves, as it would with nothing between them. */
  get breaksOff(): boolean {
    return this.#edge.passes;
  }

  input(form: 'whole' | 'open' = 'whole'): RequestInput | Promise<RequestInput> {
    const eventType = this.#edge.passes ? 'http' : eventTypeOf(this.#request.headers);
    if (form === 'open' && eventType === 'http') return this.#openInput();
    if (!hasBody(this.#request)) return this.#wholeInput(eventType, nothing);
    return this.#readBody().then(body => this.#wholeInput(eventType, body));
  }

  called(): void {
    this.#isCalled = true;
  }

  reply(result: InvocationResult): void {
    const {fault, stream} = result;
    // An event that did not reach the function, or whose call broke off, is counted under that already.
    this.isOfFunction = this.#isCalled && (!fault || (fault.reached && fault.code !== 'UPSTREAM_LOST'));
    this.handedOver();
    this.#turn?.release();
    const edge = this.#edge;
    if (!this.#isReplied) edge.inFlight--;
    this.#isReplied = true;
    if (!stream) this.replyHold.set(result.body.length); // a stream charges what it holds
    edge.replies.write(this.#response, result, {close: edge.isClosing, isBusy: edge.inFlight > 0, leaving: this});
    if (stream) void stream.ended.then(() => this.#answered(result.status));
    else this.#answered(result.status);
  }

  #answered(status: number): void {
    const {clock, meter} = this.#edge;
    meter.requestEnded(this.#request.method ?? '', status, (clock.monotonic() - this.#startedAt) / 1000, this.exemplar);
  }

  handedOver(): void {
    this.#hold?.release();
    this.#hold = undefined;
  }

  get bytes(): number {
    return this.replyHold.bytes;
  }

  /** True when no other reply of the connection leaves before this one. */
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
    if (this.#watch) this.#connection.watches.remove(this.#watch);
    this.#connection.replyLeft();
  }

  #openInput(): RequestInput {
    const {maxBodyBytes, budget, clock} = this.#edge;
    const openHold = () => budget.open('body', this.#startedAt);
    return openInput(this.#response, {target: this.#target, maxBodyBytes, clock, openHold, holder: this});
  }

  /** What another trigger has sent is a POST to `/`, and only its outcome is wanted. */
  #wholeInput(eventType: string, body: Buffer): RequestInput {
    const {method = '', rawHeaders: headers} = this.#request;
    const {path, query, origin} = this.#target;
    const same = {shape: 'request', eventType, headers, body, sourceIp: this.#connection.address, holder: this} as const;
    if (eventType !== 'http') return {...same, reply: 'outcome', method: 'POST', path: '/', query: ''};
    return {...same, reply: 'http', method, path, query, target: rawTarget(origin)};
  }

  #readBody(): Promise<Buffer> {
    this.#hold = this.#edge.budget.open('body', this.#startedAt);
    return readBody(this.#connection, this.#request, {
      maxBytes: this.#edge.maxBodyBytes,
      headBytes: largeHeadBytes(this.#request),
      hold: this.#hold,
      senders: this.#edge.senders,
      turns: this.#edge.budget.turns,
      onTurn: turn => {
        this.#turn = turn;
      },
      onStart: () => {
        // A client of HTTP/1.0 cannot read an interim reply (RFC 9110 §10.1.1).
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

const nothing = Buffer.alloc(0);
