import type {Socket} from 'node:net';
import type {Clock} from '../../clock.ts';
import {Fault} from '../../errors.ts';
import {judged, notInTime, notOfTheCall, tooLarge, tooManyInterim, wrongCoding} from '../../hop/fault.ts';
import type {CallEnd} from '../../hop/hop.ts';
import {countedReply} from '../../limits/reply-turns.ts';
import {type HttpReply, NotSent, type RuntimeCall} from '../../runtime.ts';
import type {Reuse} from './reuse.ts';

/** The connection that a call is on. */
export interface Connection {
  socket: Socket | null;
  /** A call was sent on it. */
  isUsed: boolean;
}

/** What an exchange can do to its connection. */
interface Controller {
  readonly paused: boolean;
  pause(): void;
  resume(): void;
  abort(reason: Error): void;
}

/** Most interim answers (1xx) before the reply: more are an attack or a mistake. */
const mostInterim = 1000;

/** One call on its connection, from when it is sent until the reply is whole or the connection is gone. */
export class Exchange {
  stopTimer = () => {};
  connection: Connection | undefined;
  readonly #call: Omit<RuntimeCall, 'event'>;
  readonly #resolve: (reply: HttpReply) => void;
  readonly #reject: (error: Error) => void;
  readonly #ended: (end: CallEnd) => void;
  readonly #maxBytes: number;
  readonly #reuse: Reuse;
  readonly #clock: Clock;
  #controller: Controller | undefined;
  /** The reply is not wanted any more: its bytes are dropped as they come. */
  #isGivenUp = false;
  #wasSent = false;
  #isFirst = false;
  #status = 0;
  #contentType = '';
  #framed = false;
  #interim = 0;
  #bytes = 0;
  #chunks: Buffer[] = [];
  /** A reply whose length was declared, in one piece from the start: joined at the end, it would be in memory twice. */
  #whole: Buffer | undefined;
  #declaredBytes = 0;

  constructor(
    call: Omit<RuntimeCall, 'event'>,
    resolve: (reply: HttpReply) => void,
    reject: (error: Error) => void,
    ended: (end: CallEnd) => void,
    maxReplyBytes: number,
    reuse: Reuse,
    clock: Clock,
  ) {
    this.#call = call;
    this.#reuse = reuse;
    this.#clock = clock;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#ended = ended;
    this.#maxBytes = maxReplyBytes;
  }

  expire(): void {
    this.#giveUp(notInTime(this.#call.timeoutMs));
  }

  /** Closing the connection tells our bridges to abort the call. */
  readonly leave = (): void => {
    const left = new Fault('CALLER_LEFT');
    this.#giveUp(left);
    this.#controller?.abort(left);
  };

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    // It was given up before it was sent: do not send it at all.
    if (this.#isGivenUp) controller.abort(new Fault('UPSTREAM_TIMEOUT'));
    else {
      this.#wasSent = true;
      this.#isFirst = this.connection?.isUsed === false;
      if (this.connection) this.connection.isUsed = true;
    }
  }

  onResponseStart(controller: Controller, status: number, headers: Record<string, string | string[] | undefined>) {
    if (status < 200) {
      if (++this.#interim > mostInterim) controller.abort(tooManyInterim());
      return;
    }
    if (!this.#reuse.accepts(headers['core-invocation-id'], this.#call.invocationId, this.#isFirst)) {
      controller.abort(notOfTheCall());
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

  onResponseData(controller: Controller, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#maxBytes) controller.abort(tooLarge());
    else if (!this.#isGivenUp) this.#keep(controller, chunk);
  }

  #keep(controller: Controller, chunk: Buffer): void {
    this.#takeRoom(controller, this.#bytes);
    if (chunk.length < this.#declaredBytes && this.#bytes <= this.#declaredBytes) {
      this.#whole ??= Buffer.allocUnsafeSlow(this.#declaredBytes);
      chunk.copy(this.#whole, this.#bytes - chunk.length);
    } else this.#chunks.push(chunk);
  }

  /** Charges the reply. While there is no room, the sub-runtime keeps the bytes that it has not sent. */
  #takeRoom(controller: Controller, bytes: number): void {
    const {replyHold} = this.#call;
    if (!replyHold || this.#isGivenUp || controller.paused) return;
    const isGiven = replyHold.growReply(bytes, fault => {
      if (fault) controller.abort(fault);
      else controller.resume();
    });
    if (!isGiven) controller.pause();
  }

  onResponseEnd(): void {
    // On a busy machine our timer may fire late. Then the bridge may have ended the call before us; the caller gets our fault all the same.
    if (this.#clock.monotonic() >= this.#call.deadline) this.expire();
    const how = {sentWhole: true, broke: false, byHost: false, answered: true};
    this.#close(this.#bytes > countedReply ? {...how, replyBytes: this.#bytes} : how);
    this.#resolve({status: this.#status, contentType: this.#contentType, framed: this.#framed, body: this.#body()});
  }

  onResponseError(_controller: Controller, error: Error): void {
    const verdict = judged(error);
    const isUnsent = verdict instanceof NotSent;
    const broke = !this.#isGivenUp && (isUnsent || verdict.code === 'UPSTREAM_LOST');
    // Bytes that the system has not taken by now are never sent: the connection is closed after this.
    const sentWhole = !this.connection?.socket?.writableLength;
    this.#close({sentWhole, broke, byHost: isUnsent && verdict.byHost, answered: false});
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
    this.#controller?.resume(); // to drop the bytes that still come
    this.#reject(fault);
  }

  #close(how: Omit<CallEnd, 'mayRun' | 'isOver'>): void {
    this.stopTimer();
    this.#call.signal?.removeEventListener('abort', this.leave);
    this.#ended({mayRun: this.#wasSent, isOver: false, ...how});
  }
}
