import type {Clock} from '../../src/clock.ts';
import {Fault} from '../../src/errors.ts';
import {tooLarge} from '../../src/hop/fault.ts';
import {ReplyStream} from '../../src/hop/reply-stream.ts';
import type {Hold} from '../../src/limits/budget.ts';
import type {PassedReply} from '../../src/passing.ts';
import type {RuntimeCall} from '../../src/runtime.ts';
import type {StreamLimits} from '../../src/streamed-body.ts';
import type {AnswerHead} from './answer-head.ts';
import {passFields, passTrailers} from './fields.ts';
import {Unwritten} from './written.ts';

/** So long after the end of a connection it is known whether its program has ended with it. */
const programEndMs = 20;

/** So much of an answer is held before the server is made to wait for the reader. */
const windowBytes = 256 * 2 ** 10;

/** What an answer asks of its call. */
export interface AnswerHouse {
  readonly clock: Clock;
  /** The answer, as far as it is to be waited for. */
  begun(reply: PassedReply): void;
  /** All of it has come. */
  whole(): void;
  /** The connection broke off. */
  broken(): void;
  /** It is not wanted. */
  refused(fault: Fault): void;
  /** Nobody takes the rest. */
  givenUp(): void;
}

/** Where bytes come from: they can be made to wait. */
export interface Source {
  isPaused(): boolean;
  pause(): void;
  resume(): void;
}

/** An answer whose rest is still to come. */
export interface Incoming {
  /** @param bytes whose buffer is used again */
  piece(bytes: Buffer): void;
  ended(trailers: readonly string[]): void;
  /** The connection broke off before its end. */
  lost(cause: Error): void;
  /** It is broken off from this side. */
  breakOff(fault: Fault): void;
}

/** An answer that is passed on as fast as its reader takes it, or, where it is wanted whole, as when it is kept, gathered. */
export function passAnswer(head: AnswerHead, source: Source, call: RuntimeCall, maxBytes: number, house: AnswerHouse): Incoming {
  const incoming = call.streams
    ? streamAnswer(head, source, call, call.streams, house)
    : new GatheredAnswer(head, source, maxBytes, call.replyHold, house);
  return head.length === 'until the end' ? endingLater(incoming, house.clock) : incoming;
}

/** An answer that the end of its connection ends: a program that was killed looks like one that has said all of it, until its end is known. */
function endingLater(incoming: Incoming, clock: Clock): Incoming {
  let hasEnded = false;
  return {
    piece: bytes => incoming.piece(bytes),
    ended(trailers) {
      hasEnded = true;
      clock.after(programEndMs, () => void clock.turn().then(() => incoming.ended(trailers)));
    },
    lost(cause) {
      if (!hasEnded) incoming.lost(cause);
    },
    breakOff: fault => incoming.breakOff(fault),
  };
}

function streamAnswer(head: AnswerHead, source: Source, call: RuntimeCall, limits: StreamLimits, house: AnswerHouse): Incoming {
  const {stream, piece} = windowed(source, call, limits, house);
  let trailers: readonly string[] = [];
  house.begun({...replyOf(head, nothing, []), stream, trailers: () => trailers});
  return {
    piece,
    ended(raw) {
      trailers = passTrailers(raw, undefined);
      house.whole();
      stream.end();
    },
    lost(cause) {
      house.broken();
      stream.fail(new Fault('UPSTREAM_LOST', {cause}));
    },
    breakOff: fault => stream.giveUp(fault),
  };
}

/** A stream that makes its source wait once so much is on its way that its reader has not taken. */
export function windowed(source: Source, {deadline, timeoutMs, replyHold: hold}: RuntimeCall, limits: StreamLimits, house: AnswerHouse) {
  let heldBytes = 0;
  const unwritten = new Unwritten();
  const stream = new ReplyStream(deadline - timeoutMs, limits, {
    clock: house.clock,
    hold,
    passed(bytes) {
      heldBytes -= bytes;
      unwritten.written(bytes);
      if (heldBytes < windowBytes / 2 && source.isPaused()) source.resume();
    },
    givenUp: () => house.givenUp(),
  });
  const piece = (bytes: Buffer) => {
    heldBytes += bytes.length;
    if (heldBytes >= windowBytes) source.pause();
    const copy = Buffer.from(bytes);
    unwritten.add(copy);
    stream.add(copy);
  };
  return {stream, piece};
}

/** An answer within the bound of every reply. */
class GatheredAnswer implements Incoming {
  readonly #head: AnswerHead;
  readonly #source: Source;
  readonly #maxBytes: number;
  readonly #hold: Hold | undefined;
  readonly #house: AnswerHouse;
  readonly #pieces: Buffer[] = [];
  #bytes = 0;
  /** The last piece has no room yet. */
  #waits = false;
  /** All of it has come. */
  #trailers: readonly string[] | undefined;

  constructor(head: AnswerHead, source: Source, maxBytes: number, hold: Hold | undefined, house: AnswerHouse) {
    this.#head = head;
    this.#source = source;
    this.#maxBytes = maxBytes;
    this.#hold = hold;
    this.#house = house;
  }

  piece(bytes: Buffer): void {
    this.#bytes += bytes.length;
    if (this.#bytes > this.#maxBytes) {
      this.#house.refused(tooLarge());
      return;
    }
    this.#pieces.push(Buffer.from(bytes));
    this.#waits = this.#hold?.growReply(this.#bytes, fault => this.#hasRoom(fault)) === false;
    if (this.#waits) this.#source.pause();
  }

  ended(trailers: readonly string[]): void {
    this.#trailers = trailers;
    if (!this.#waits) this.#whole(trailers);
  }

  lost(cause: Error): void {
    if (!this.#trailers) this.#house.refused(new Fault('UPSTREAM_LOST', {cause}));
  }

  breakOff(): void {}

  #hasRoom(fault: Fault | undefined): void {
    this.#waits = false;
    if (fault) this.#house.refused(fault);
    else if (this.#trailers) this.#whole(this.#trailers);
    else this.#source.resume();
  }

  #whole(trailers: readonly string[]): void {
    this.#house.begun(replyOf(this.#head, Buffer.concat(this.#pieces), trailers));
    this.#house.whole();
  }
}

/** @param trailers as received */
export function replyOf({status, reason, fields, upgrade}: AnswerHead, body: Buffer, trailers: readonly string[]): PassedReply {
  // 426 says what its sender would rather speak, and callers need to know (RFC 9110 §15.5.22).
  const passed = status === 426 && upgrade !== undefined ? ['Upgrade', upgrade] : [];
  passFields(fields, (name, value, lower) => {
    if (lower !== 'core-invocation-id') passed.push(name, value);
  });
  return {status, reason, passed, body, trailers: trailers.length === 0 ? none : () => passTrailers(trailers, undefined)};
}

const nothing: Buffer = Buffer.alloc(0);
const none = (): readonly string[] => [];
