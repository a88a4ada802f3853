import type {Clock} from '../../src/clock.ts';
import {Fault} from '../../src/errors.ts';
import {judged, notInTime, protocolBroken} from '../../src/hop/fault.ts';
import type {CallEnd} from '../../src/hop/hop.ts';
import type {PassedReply, PassedRequest} from '../../src/passing.ts';
import {NotSent, type RuntimeCall} from '../../src/runtime.ts';
import {type AnswerHouse, type Incoming, passAnswer, replyOf} from './answer.ts';
import type {AnswerHead} from './answer-head.ts';
import type {HopHouse, Waiting} from './house.ts';
import {Interim} from './interim.ts';
import type {OpenCall} from './open-calls.ts';
import {isOpen, Sender} from './sender.ts';
import type {Exchange, ServerConnection} from './server-connection.ts';
import {endTunnel, passTunnel} from './tunnel.ts';

/** One request on its way through, from when it is sent until its answer has been passed on, or its connection is gone. */
export class PassedCall implements AnswerHouse, EventListenerObject, Exchange, OpenCall {
  readonly clock: Clock;
  readonly #hop: HopHouse;
  readonly #call: RuntimeCall;
  readonly #sent: PassedRequest;
  readonly #waiting: Waiting;
  #connection: ServerConnection | undefined;
  /** Absent until the connection is there: before that the server has not seen it. */
  #sender: Sender | undefined;
  /** When its answer must have begun, on the monotonic clock; infinity once that does not matter any more. */
  dueAt: number;
  place = 0;
  #startedAt = 0;
  /** The head of the answer has come. */
  #isAnswered = false;
  /** Its caller has been told that it failed. */
  #isGivenUp = false;
  #isOver = false;
  /** The connection speaks another protocol. */
  #isTunnel = false;
  /** The rest of its answer. */
  #incoming: Incoming | undefined;
  #interim: Interim | undefined;

  constructor(hop: HopHouse, call: RuntimeCall, sent: PassedRequest, waiting: Waiting) {
    this.clock = hop.clock;
    this.#hop = hop;
    this.#call = call;
    this.#sent = sent;
    this.#waiting = waiting;
    this.dueAt = call.deadline;
  }

  /** @param now on the monotonic clock */
  start(now: number): void {
    this.#startedAt = now;
    this.#hop.calls.add(this);
    this.#call.signal?.addEventListener('abort', this);
    this.#connection = this.#hop.connections.lend(this, this.#sent.method === 'HEAD', now);
    if (this.#connection.isConnected) this.connected();
  }

  /** The caller has left: the server learns that, as if there was nothing between them. */
  handleEvent(): void {
    this.refused(new Fault('CALLER_LEFT'));
  }

  /**
  At the deadline the server is not waited for. If it has answered others since, or has not got all of the request, it learns that
  nobody waits. Otherwise it may be blocked: the call goes on until the process is judged, or answers.
  */
  expire(): void {
    this.#giveUp(notInTime(this.#call.timeoutMs));
    this.#call.signal?.removeEventListener('abort', this); // it has its answer: that it leaves says nothing
    if (this.#hop.answeredAt > this.#startedAt || !this.#sender?.isSent) this.#end({isOver: true});
  }

  /** The process is gone. */
  lose(reason: Fault): void {
    this.#giveUp(reason);
    this.#end({broke: true});
  }

  connected(): void {
    const {socket} = this.#connection as ServerConnection; // it was lent before
    this.#sender = new Sender(socket, this.#sent, this); // a body is not taken before: until now another process may get it
    const head = this.#hop.writeHead(this.#call, this.#sent);
    this.#sender.start(head, this.#hop.calls.size > 1 ? this.#hop.batch : undefined);
  }

  drained(): void {
    const body = this.#isTunnel ? this.#sent.open?.upgrade?.body : this.#sent.body;
    if (isOpen(body)) body.more();
  }

  interim(head: AnswerHead): void {
    this.#interim ??= new Interim();
    this.#interim.pass(head, this.#sent.open);
  }

  cameWhole(head: AnswerHead, body: Buffer, trailers: readonly string[]): void {
    if (!this.#isAwaited()) return;
    this.begun(replyOf(head, body, trailers));
    this.whole();
  }

  /** An answer of which all has not come. */
  headCame(head: AnswerHead): void {
    if (!this.#isAwaited() || !this.#connection) return;
    this.#incoming = passAnswer(head, this.#connection.socket, this.#call, this.#hop.options.maxReplyBytes, this);
  }

  piece(bytes: Buffer): void {
    this.#incoming?.piece(bytes);
  }

  ended(trailers: readonly string[]): void {
    this.#incoming?.ended(trailers);
  }

  /** The server has taken an offer to upgrade, which only those may who were made one. */
  switched(head: AnswerHead, rest: Buffer): void {
    const offer = this.#sent.open?.upgrade;
    if (!this.#isAwaited() || !this.#connection) return;
    if (offer && this.#call.streams) {
      this.#isTunnel = true;
      this.#incoming = passTunnel(head, {socket: this.#connection.socket, rest, sent: offer.body}, this.#call, this.#call.streams, this);
    } else this.refused(protocolBroken('it switches protocols, and nobody asked for that'));
  }

  failed(error: Error): void {
    if (this.#isOver) return;
    const verdict = judged(error);
    if (verdict instanceof NotSent) {
      this.#waiting.reject(verdict);
      this.#end({broke: true, byHost: verdict.byHost});
    } else if (verdict.code !== 'UPSTREAM_LOST') this.refused(verdict);
    else if (this.#incoming) this.#incoming.lost(error);
    else this.lose(verdict);
  }

  begun(reply: PassedReply): void {
    this.dueAt = Number.POSITIVE_INFINITY;
    this.#waiting.resolve(reply);
  }

  /** A server that did not want the rest of the request gets no more of it. */
  whole(): void {
    this.#end({answered: true, isOver: true}, this.#sender?.hasEnded === true && !this.#isTunnel);
  }

  broken(): void {
    this.#end({broke: true});
  }

  refused(fault: Fault): void {
    this.#giveUp(fault);
    this.#end({isOver: true});
  }

  givenUp(): void {
    this.#waiting.givenUp();
    this.#end({isOver: true});
  }

  /** The head of its answer came. @returns false when nobody waits for it any more, and it is over */
  #isAwaited(): boolean {
    if (this.#isOver) return false;
    this.#hop.answeredAt = this.clock.monotonic();
    this.#isAnswered = true;
    // On a busy machine our timer may fire late: the caller gets the fault all the same.
    if (!this.#isGivenUp && this.#hop.answeredAt >= this.#call.deadline) this.#giveUp(notInTime(this.#call.timeoutMs));
    if (this.#isGivenUp) this.#end({answered: true, isOver: true});
    return !this.#isGivenUp;
  }

  #giveUp(fault: Fault): void {
    if (this.#isGivenUp) return;
    this.#isGivenUp = true;
    this.dueAt = Number.POSITIVE_INFINITY;
    if (isOpen(this.#sent.body)) this.#sent.body.drop();
    this.#incoming?.breakOff(fault);
    this.#waiting.reject(fault);
  }

  /** @param keeps its connection is used again */
  #end(how: Partial<CallEnd>, keeps = false): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#hop.calls.remove(this);
    this.#call.signal?.removeEventListener('abort', this);
    const sentWhole = this.#sender?.isSent === true;
    const connection = this.#connection;
    if (connection && keeps) this.#hop.connections.giveBack(connection);
    else {
      if (isOpen(this.#sent.body)) this.#sent.body.drop();
      if (connection && this.#isTunnel) endTunnel(connection.socket, this.clock);
      else connection?.destroy();
    }
    const mayRun = this.#sender !== undefined;
    this.#waiting.ended({mayRun, sentWhole, broke: false, byHost: false, answered: this.#isAnswered, isOver: false, ...how});
  }
}
