import type {IncomingMessage} from 'node:http';
import type {Readable} from 'node:stream';
import type {Clock} from '../../src/clock.ts';
import {Fault} from '../../src/errors.ts';
import {tooLarge} from '../../src/hop/fault.ts';
import {ReplyStream} from '../../src/hop/reply-stream.ts';
import type {Hold} from '../../src/limits/budget.ts';
import type {PassedReply} from '../../src/passing.ts';
import type {RuntimeCall} from '../../src/runtime.ts';
import type {StreamLimits} from '../../src/streamed-body.ts';
import {passFields, passTrailers} from './fields.ts';
import {unsayable} from './unsayable.ts';

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

/** Breaks off an answer that is on its way. */
export type BreakOff = (fault: Fault) => void;

/** Passes an answer on, of which the head has come. @returns what breaks it off, if it is on its way for longer */
export function passAnswer(answer: IncomingMessage, call: RuntimeCall, maxBytes: number, house: AnswerHouse): BreakOff | undefined {
  const fault = unsayable(answer);
  if (fault) house.refused(fault);
  else if (answer.complete) {
    house.begun(wholeAnswer(answer));
    house.whole();
  } else if (call.streams) return streamAnswer(answer, call, call.streams, house);
  else gatherAnswer(answer, maxBytes, call.replyHold, house);
  return undefined;
}

/** An answer of which all has come. */
function wholeAnswer(answer: IncomingMessage): PassedReply {
  const body: Buffer | null = answer.read();
  answer.resume(); // so that it ends, and its connection is free
  return headOf(answer, body ?? nothing);
}

/** An answer whose rest is still to come: it is passed on as fast as its reader takes it. */
function streamAnswer(answer: IncomingMessage, call: RuntimeCall, limits: StreamLimits, house: AnswerHouse): BreakOff {
  const {stream, piece} = windowed(answer, call, limits, house);
  answer.on('data', piece);
  answer.once('end', () => {
    if (!answer.complete) return; // 'error' follows
    house.whole();
    stream.end();
  });
  const lost = (cause?: Error) => {
    if (answer.complete) return;
    house.broken();
    stream.fail(new Fault('UPSTREAM_LOST', {cause}));
  };
  answer.once('error', lost);
  answer.once('close', () => lost());
  house.begun({...headOf(answer, nothing), stream});
  return fault => stream.giveUp(fault);
}

/** A stream that makes its source wait once so much is on its way that its reader has not taken. */
export function windowed(source: Readable, {deadline, timeoutMs, replyHold: hold}: RuntimeCall, limits: StreamLimits, house: AnswerHouse) {
  let heldBytes = 0;
  const stream = new ReplyStream(deadline - timeoutMs, limits, {
    clock: house.clock,
    hold,
    passed(bytes) {
      heldBytes -= bytes;
      if (heldBytes < windowBytes / 2 && source.isPaused()) source.resume();
    },
    givenUp: () => house.givenUp(),
  });
  const piece = (bytes: Buffer) => {
    heldBytes += bytes.length;
    if (heldBytes >= windowBytes) source.pause();
    stream.add(bytes);
  };
  return {stream, piece};
}

/** An answer that is wanted whole, as when it is kept, within the bound of every reply. */
function gatherAnswer(answer: IncomingMessage, maxBytes: number, hold: Hold | undefined, house: AnswerHouse): void {
  const pieces: Buffer[] = [];
  let bytes = 0;
  answer.on('data', (piece: Buffer) => {
    bytes += piece.length;
    if (bytes > maxBytes) return house.refused(tooLarge());
    pieces.push(piece);
    const isGiven = hold?.growReply(bytes, fault => (fault ? house.refused(fault) : answer.resume()));
    if (isGiven === false) answer.pause();
  });
  answer.once('end', () => {
    if (!answer.complete) return; // 'error' follows
    house.begun(headOf(answer, Buffer.concat(pieces)));
    house.whole();
  });
  answer.once('error', (cause: Error) => house.refused(new Fault('UPSTREAM_LOST', {cause})));
}

function headOf(answer: IncomingMessage, body: Buffer): PassedReply {
  const {statusCode, headers} = answer;
  // 426 says what its sender would rather speak, and callers need to know (RFC 9110 §15.5.22).
  const passed = statusCode === 426 && headers.upgrade !== undefined ? ['Upgrade', headers.upgrade] : [];
  passFields(answer.rawHeaders, (name, value, lower) => {
    if (lower !== 'core-invocation-id') passed.push(name, value);
  });
  return {
    status: statusCode ?? 0, // a client's message has one
    reason: answer.statusMessage ?? '',
    passed,
    body,
    trailers: () => passTrailers(answer.rawTrailers, undefined),
  };
}

const nothing: Buffer = Buffer.alloc(0);
