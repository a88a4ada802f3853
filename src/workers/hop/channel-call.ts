import type {Clock} from '../../clock.ts';
import {asFault, Fault} from '../../errors.ts';
import {handlerFailed, notInTime, protocolBroken} from '../../hop/fault.ts';
import type {CallEnd} from '../../hop/hop.ts';
import {ReplyStream, type StreamHouse} from '../../hop/reply-stream.ts';
import type {Hold} from '../../limits/budget.ts';
import {countedReply} from '../../limits/reply-turns.ts';
import type {RuntimeCall} from '../../runtime.ts';
import type {LongCall} from './frame-writer.ts';
import {BrokenFrames} from './frames.ts';
import {IncomingReply, type ReplyHouse} from './incoming-reply.ts';
import type {Upload} from './upload.ts';
import type {Waiting} from './waiting.ts';

/** What a call needs of its channel. */
export interface CallHouse {
  readonly maxReplyBytes: number;
  readonly clock: Clock;
  credit(call: number, bytes: number): void;
  cancel(call: ChannelCall): void;
}

const answered: CallEnd = {mayRun: true, sentWhole: true, broke: false, byHost: false, answered: true, isOver: true};

/** One call on a channel, from when it is sent until the bridge says that it is over. Its caller may be gone before that. */
export class ChannelCall implements EventListenerObject, ReplyHouse, StreamHouse {
  /** What is left to write of it. */
  long: LongCall | undefined;
  /** Its body, where it is sent as it comes. */
  upload: Upload | undefined;
  stopTimer = () => {};
  readonly number: number;
  readonly signal: RuntimeCall['signal'];
  readonly reply: IncomingReply;
  #call: Pick<RuntimeCall, 'deadline' | 'timeoutMs' | 'isSignalShared' | 'replyHold' | 'streams'>;
  readonly #house: CallHouse;
  readonly #waiting: Waiting;
  /** The reply has been handed over, and its body follows. */
  #stream: ReplyStream | undefined;
  /** True when its caller has been answered already, such as at the deadline. */
  #isGivenUp = false;
  /** Its place is free. */
  #isOver = false;
  #isCancelled = false;

  constructor(number: number, call: RuntimeCall, waiting: Waiting, house: CallHouse) {
    this.number = number;
    this.signal = call.signal;
    this.#call = call;
    this.#waiting = waiting;
    this.#house = house;
    this.reply = new IncomingReply(this);
  }

  readonly expire = (): void => {
    this.#giveUp(notInTime(this.#call.timeoutMs));
  };

  /** Its body cannot be sent to its end. */
  broken(fault: Fault): void {
    this.#giveUp(fault);
    this.cancel();
  }

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
    const {deadline, timeoutMs, isSignalShared, replyHold} = this.#call;
    this.#call = {deadline, timeoutMs, isSignalShared, replyHold}; // without its event
  }

  // What the reply asks of its call.
  get hold(): Hold | undefined {
    return this.#call.replyHold;
  }

  get maxBytes(): number {
    return this.#house.maxReplyBytes;
  }

  get isStreamWanted(): boolean {
    return this.#call.streams !== undefined;
  }

  credit(bytes: number): void {
    this.#house.credit(this.number, bytes);
  }

  refuse(fault: Fault): void {
    this.#giveUp(fault);
  }

  // What the stream asks of its call.
  get clock(): Clock {
    return this.#house.clock;
  }

  passed(bytes: number): void {
    this.reply.passed(bytes);
  }

  givenUp(): void {
    this.#isGivenUp = true;
    this.reply.drop();
    this.#waiting.givenUp();
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

  /** A frame came, and the reply is not whole. One that is made piece by piece is handed over, and has other limits from now on. */
  flow(): void {
    const {deadline, timeoutMs, streams} = this.#call;
    if (!streams || !this.reply.isReadyToFlow || this.#isGivenUp) return;
    if (this.#house.clock.monotonic() >= deadline) {
      this.expire();
      return;
    }
    this.stopTimer();
    const stream = new ReplyStream(deadline - timeoutMs, streams, this);
    const reply = this.reply.flowInto(stream);
    this.#stream = stream;
    if (reply) this.#waiting.resolve(reply);
    else this.#giveUp(protocolBroken('its JSON is not UTF-8'));
  }

  /** The last frame of the call came: RESULT, DATA, END or FAILED. @throws BrokenFrames */
  conclude(isEnd: boolean): void {
    if (isEnd && !this.reply.isStreamed && !this.#isGivenUp) throw new BrokenFrames('END without a reply');
    if (this.#stream) {
      this.#concludeStream(this.#stream, isEnd);
      return;
    }
    // On a busy machine our timer may fire late: the caller gets the fault all the same.
    if (this.#house.clock.monotonic() >= this.#call.deadline) this.expire();
    const {bytes} = this.reply;
    this.#over(bytes > countedReply ? {...answered, replyBytes: bytes} : answered);
    if (this.#isGivenUp) return;
    const reply = this.reply.read();
    if (reply) this.#waiting.resolve(reply);
    else this.#waiting.reject(protocolBroken('its JSON is not UTF-8'));
  }

  #concludeStream(stream: ReplyStream, isEnd: boolean): void {
    this.#over(answered);
    if (isEnd) stream.end();
    else stream.fail(handlerFailed(this.reply.read()?.json ?? ''));
  }

  /** The channel is gone, or the bridge broke the protocol. */
  lose(error: Error): void {
    const {isSentWhole: sentWhole} = this;
    this.#over({mayRun: true, sentWhole, broke: true, byHost: false, answered: false, isOver: false});
    this.#stream?.fail(asFault(error));
    this.#waiting.reject(error);
  }

  #giveUp(fault: Fault): void {
    this.#stream?.giveUp(fault);
    this.#isGivenUp = true;
    this.reply.drop();
    const isSending = this.upload?.isOver === false;
    this.upload?.stop();
    if (isSending) this.cancel(); // the function would wait for the rest
    this.#waiting.reject(fault);
  }

  #over(end: CallEnd): void {
    this.stopTimer();
    if (!this.#call.isSignalShared) this.signal?.removeEventListener('abort', this);
    if (this.long) this.long.isStopped = true;
    this.upload?.stop();
    if (this.#isOver) return;
    this.#isOver = true;
    this.#waiting.ended(end);
  }
}
