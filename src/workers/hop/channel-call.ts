import {Fault} from '../../errors.ts';
import type {Hold} from '../../limits/budget.ts';
import {countedReply} from '../../limits/reply-turns.ts';
import type {ChannelReply, RuntimeCall} from '../../runtime.ts';
import {protocolBroken} from './fault.ts';
import type {LongCall} from './frame-writer.ts';
import {BrokenFrames} from './frames.ts';
import type {CallEnd} from './hop.ts';
import {IncomingReply, type ReplyHouse} from './incoming-reply.ts';

/** What a call needs of its channel. */
export interface CallHouse {
  readonly maxReplyBytes: number;
  /** Monotonic milliseconds. */
  now(): number;
  credit(call: number, bytes: number): void;
  cancel(call: ChannelCall): void;
}

const answered: CallEnd = {mayRun: true, sentWhole: true, broke: false, byHost: false, answered: true, isOver: true};

/** One call on a channel, from when it is sent until the bridge says that it is over. Its caller may be gone before that. */
export class ChannelCall implements EventListenerObject, ReplyHouse {
  /** What is left to write of it. */
  long: LongCall | undefined;
  stopTimer = () => {};
  readonly number: number;
  readonly reply: IncomingReply;
  #call: Pick<RuntimeCall, 'deadline' | 'timeoutMs' | 'signal' | 'replyHold'>;
  readonly #house: CallHouse;
  readonly #resolve: (reply: ChannelReply) => void;
  readonly #reject: (error: Error) => void;
  readonly #ended: (end: CallEnd) => void;
  /** True when its caller has been answered already, such as at the deadline. */
  #isGivenUp = false;
  /** Its place is free. */
  #isOver = false;
  #isCancelled = false;

  constructor(
    number: number,
    call: RuntimeCall,
    resolve: (reply: ChannelReply) => void,
    reject: (error: Error) => void,
    ended: (end: CallEnd) => void,
    house: CallHouse,
  ) {
    this.number = number;
    this.#call = call;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#ended = ended;
    this.#house = house;
    this.reply = new IncomingReply(this);
  }

  readonly expire = (): void => {
    this.#giveUp(new Fault('UPSTREAM_TIMEOUT', {message: `The function did not answer within ${this.#call.timeoutMs} ms`}));
  };

  /** Called when its caller has left. */
  handleEvent(): void {
    this.#giveUp(new Fault('CALLER_LEFT'));
    this.cancel();
  }

  /** It was cancelled. What the bridge has not got whole it will not run: then its place, and its bytes, are free now. */
  stopSending(): void {
    if (this.isSentWhole) return;
    this.#over({mayRun: false, sentWhole: false, broke: false, byHost: false, answered: false, isOver: true});
    if (this.long) this.long.parts.length = 0;
    const {deadline, timeoutMs, signal, replyHold} = this.#call;
    this.#call = {deadline, timeoutMs, signal, replyHold}; // without its event
  }

  // What the reply asks of its call.

  get hold(): Hold | undefined {
    return this.#call.replyHold;
  }

  get maxBytes(): number {
    return this.#house.maxReplyBytes;
  }

  credit(bytes: number): void {
    this.#house.credit(this.number, bytes);
  }

  refuse(fault: Fault): void {
    this.#giveUp(fault);
  }

  /** Asks the bridge to end it. */
  cancel(): void {
    if (this.#isCancelled) return;
    this.#isCancelled = true;
    this.#house.cancel(this);
  }

  /** True when the whole call was sent. */
  get isSentWhole(): boolean {
    return !this.long || this.long.left === 0;
  }

  /** @throws BrokenFrames */
  begin(form: number, jsonBytes: number, bodyBytes: number): void {
    if (!this.isSentWhole) throw new BrokenFrames('a RESULT before it had the whole CALL');
    this.reply.begin(form, jsonBytes, bodyBytes);
  }

  /** The last frame of the call came: RESULT, DATA, END or FAILED. @throws BrokenFrames */
  conclude(isEnd: boolean): void {
    if (isEnd && !this.reply.isStreamed && !this.#isGivenUp) throw new BrokenFrames('END without a reply');
    // On a busy machine our timer may fire late: the caller gets the fault all the same.
    if (this.#house.now() >= this.#call.deadline) this.expire();
    const {bytes} = this.reply;
    this.#over(bytes > countedReply ? {...answered, replyBytes: bytes} : answered);
    if (this.#isGivenUp) return;
    const reply = this.reply.read();
    if (reply) this.#resolve(reply);
    else this.#reject(protocolBroken('its JSON is not UTF-8'));
  }

  /** The channel is gone, or the bridge broke the protocol. */
  lose(error: Error): void {
    const {isSentWhole: sentWhole} = this;
    this.#over({mayRun: true, sentWhole, broke: true, byHost: false, answered: false, isOver: false});
    this.#reject(error);
  }

  #giveUp(fault: Fault): void {
    this.#isGivenUp = true;
    this.reply.drop();
    this.#reject(fault);
  }

  #over(end: CallEnd): void {
    this.stopTimer();
    this.#call.signal?.removeEventListener('abort', this);
    if (this.long) this.long.isStopped = true;
    if (this.#isOver) return;
    this.#isOver = true;
    this.#ended(end);
  }
}
