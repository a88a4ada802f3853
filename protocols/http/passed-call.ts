import type {ClientRequest, IncomingMessage} from 'node:http';
import type {Socket} from 'node:net';
import type {Clock} from '../../src/clock.ts';
import {Fault} from '../../src/errors.ts';
import {judged, notInTime, protocolBroken} from '../../src/hop/fault.ts';
import type {CallEnd} from '../../src/hop/hop.ts';
import type {PassedReply, PassedRequest} from '../../src/passing.ts';
import {NotSent, type RuntimeCall} from '../../src/runtime.ts';
import {type AnswerHouse, passAnswer} from './answer.ts';
import {openRequest} from './client-request.ts';
import type {HopHouse, Waiting} from './house.ts';
import {passInterim} from './interim.ts';
import {isOpen, Sender, sendWhole} from './sender.ts';
import {endTunnel, passTunnel} from './tunnel.ts';

/** One request on its way through, from when it is sent until its answer has been passed on, or its connection is gone. */
export class PassedCall implements AnswerHouse, EventListenerObject {
  readonly #hop: HopHouse;
  readonly #call: RuntimeCall;
  readonly #sent: PassedRequest;
  readonly #waiting: Waiting;
  #request: ClientRequest | undefined;
  #stopTimer = () => {};
  #startedAt = 0;
  /** The server may have seen it. */
  #wasSent = false;
  /** The head of the answer has come. */
  #isAnswered = false;
  /** Its caller has been told that it failed. */
  #isGivenUp = false;
  #isOver = false;
  /** The connection, once it speaks another protocol. */
  #tunnel: Socket | undefined;
  /** Breaks off the answer that is on its way. */
  #breakOff: ((fault: Fault) => void) | undefined;

  constructor(hop: HopHouse, call: RuntimeCall, sent: PassedRequest, waiting: Waiting) {
    this.#hop = hop;
    this.#call = call;
    this.#sent = sent;
    this.#waiting = waiting;
  }

  start(): void {
    const {clock} = this.#hop;
    const {signal, deadline} = this.#call;
    this.#startedAt = clock.monotonic();
    if (signal?.aborted || this.#startedAt >= deadline) {
      this.#waiting.reject(signal?.aborted ? new Fault('CALLER_LEFT') : notInTime(this.#call.timeoutMs));
      this.#end({isOver: true});
      return;
    }
    this.#stopTimer = clock.after(deadline - this.#startedAt, () => this.#expire());
    signal?.addEventListener('abort', this, {once: true});
    const request = openRequest(this.#hop, this.#call, this.#sent);
    this.#request = request;
    request.once('socket', socket => this.#onConnection(socket));
    request.on(
      'information',
      passInterim(this.#sent.open, fault => this.refused(fault)),
    );
    request.once('response', answer => this.#answered(answer));
    request.once('upgrade', (answer, socket, head) => this.#upgraded(answer, socket, head));
    request.once('error', error => this.#failed(error));
    const {body} = this.#sent;
    if (isOpen(body)) request.flushHeaders();
    else sendWhole(request, body);
  }

  /** The caller has left: the server learns that, as if there was nothing between them. */
  handleEvent(): void {
    this.refused(new Fault('CALLER_LEFT'));
  }

  /** The process is gone. */
  lose(reason: Fault): void {
    this.#giveUp(reason);
    this.#end({broke: true});
  }

  // What its answer asks of it.

  get clock(): Clock {
    return this.#hop.clock;
  }

  begun(reply: PassedReply): void {
    this.#stopTimer();
    this.#waiting.resolve(reply);
  }

  /** A server that did not want the rest of the request gets no more of it. */
  whole(): void {
    this.#end({answered: true, isOver: true}, this.#request?.writableEnded === true && this.#tunnel === undefined);
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

  #onConnection(socket: Socket): void {
    const connected = () => {
      if (this.#isOver) return;
      this.#wasSent = true;
      const {body} = this.#sent;
      if (!isOpen(body) || !this.#request) return;
      const refused = (fault: Fault) => this.refused(fault);
      body.take(new Sender(this.#request, body, this.#sent.credential, refused)); // not before: until now another process may get it
    };
    if (socket.connecting) socket.once('connect', connected);
    else connected();
  }

  #answered(answer: IncomingMessage): void {
    this.#hop.answeredAt = this.#hop.clock.monotonic();
    // On a busy machine our timer may fire late: the caller gets the fault all the same.
    if (!this.#isGivenUp && this.#hop.answeredAt >= this.#call.deadline) this.#giveUp(notInTime(this.#call.timeoutMs));
    this.#isAnswered = true;
    // What came in one piece has been read when this turn ends: most answers.
    if (this.#isGivenUp) this.#end({answered: true, isOver: true});
    else
      process.nextTick(() => {
        if (!this.#isOver) this.#breakOff = passAnswer(answer, this.#call, this.#hop.options.maxReplyBytes, this);
      });
  }

  /** The server has taken an offer to upgrade, which only those may who were made one. */
  #upgraded(answer: IncomingMessage, socket: Socket, head: Buffer): void {
    this.#tunnel = socket;
    this.#isAnswered = true;
    this.#hop.answeredAt = this.#hop.clock.monotonic();
    socket.on('error', () => socket.destroy());
    const offer = this.#sent.open?.upgrade;
    if (this.#isGivenUp) this.#end({isOver: true});
    else if (!offer || !this.#call.streams) this.refused(protocolBroken('it switches protocols, and nobody asked for that'));
    else this.#breakOff = passTunnel(answer, {socket, head, sent: offer.body}, this.#call, this.#call.streams, this);
  }

  #failed(error: Error): void {
    if (this.#isOver) return;
    const verdict = judged(error);
    if (verdict instanceof NotSent) {
      this.#waiting.reject(verdict);
      this.#end({broke: true, byHost: verdict.byHost});
    } else {
      this.#giveUp(verdict);
      this.#end({broke: verdict.code === 'UPSTREAM_LOST'});
    }
  }

  /**
  At the deadline the server is not waited for. If it has answered others since, or has not got all of the request, it learns that
  nobody waits. Otherwise it may be blocked: the call goes on until the process is judged, or answers.
  */
  #expire(): void {
    this.#giveUp(notInTime(this.#call.timeoutMs));
    this.#call.signal?.removeEventListener('abort', this); // it has its answer: that it leaves says nothing
    if (this.#hop.answeredAt > this.#startedAt || !this.#isSentWhole) this.#end({isOver: true});
  }

  #giveUp(fault: Fault): void {
    if (this.#isGivenUp) return;
    this.#isGivenUp = true;
    this.#stopTimer();
    if (isOpen(this.#sent.body)) this.#sent.body.drop();
    this.#breakOff?.(fault);
    this.#waiting.reject(fault);
  }

  get #isSentWhole(): boolean {
    return this.#request?.writableFinished === true;
  }

  /** @param keeps its connection is used again */
  #end(how: Partial<CallEnd>, keeps = false): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopTimer();
    this.#call.signal?.removeEventListener('abort', this);
    const {body} = this.#sent;
    if (!keeps) {
      if (isOpen(body)) body.drop();
      this.#request?.on('error', () => {}); // that it was broken off is known
      if (this.#tunnel) endTunnel(this.#tunnel, this.#hop.clock);
      else this.#request?.destroy();
    }
    const sentWhole = this.#isSentWhole;
    this.#waiting.ended({mayRun: this.#wasSent, sentWhole, broke: false, byHost: false, answered: this.#isAnswered, isOver: false, ...how});
  }
}
