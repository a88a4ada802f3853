import type {IncomingMessage} from 'node:http';
import {Fault} from '../../src/errors.ts';
import type {Hold} from '../../src/limits/budget.ts';
import {Pieces} from './pieces.ts';
import type {Senders} from './senders.ts';

export interface BodyLimits {
  readonly maxBytes: number;
  /** Held beside the body until the event is written. */
  readonly headBytes: number;
  /** Takes its share of the bytes in flight. */
  readonly hold: Hold;
  /** All whose bodies are being received. */
  readonly senders: Senders;
  /** Called when the body is wanted. */
  readonly onStart: () => void;
}

/** What a declared length reserves at most: it is only a word. From there on what has arrived is charged. */
const reservedBytes = 64 * 2 ** 10;

/** A length of 0 is none: nothing is asked for, nothing held. */
export function hasBody({headers}: IncomingMessage): boolean {
  const declared = headers['content-length'];
  return declared === undefined ? headers['transfer-encoding'] !== undefined : Number(declared) !== 0;
}

/**
Receives the whole body, or throws: the function never runs on a part of one.

@throws Fault BODY_TOO_LARGE by the declared length, before a byte is read, or as soon as the count passes
@throws Fault INFLIGHT_FULL when what has arrived finds no room, also where slow senders have given theirs up
@throws Fault BODY_INCOMPLETE when the client leaves; what `breakOff` was given
*/
export async function readBody(request: IncomingMessage, {maxBytes, headBytes, hold, senders, onStart}: BodyLimits): Promise<Buffer> {
  const declaredBytes = Number(request.headers['content-length'] ?? 0);
  if (declaredBytes > maxBytes) throw tooLarge(maxBytes);
  const broken = ends.get(request);
  if (broken instanceof Fault) throw broken;
  if (request.destroyed) throw incomplete(); // its events have passed
  const full = senders.grow(hold, headBytes + Math.min(declaredBytes, reservedBytes));
  if (full) throw full;
  onStart();

  return new Promise((resolve, reject) => {
    const pieces = new Pieces();
    const stop = (fault: Fault) => {
      request.removeAllListeners('data');
      pieces.clear();
      senders.end(sender);
      reject(fault);
    };
    const sender = senders.add(hold, stop);
    ends.set(request, stop);
    request.on('data', (chunk: Buffer) => {
      const bytes = pieces.add(chunk);
      sender.receivedBytes = bytes;
      if (bytes > maxBytes) return stop(tooLarge(maxBytes));
      const overgrown = senders.grow(hold, headBytes + bytes);
      if (overgrown) return stop(overgrown);
    });
    request.once('end', () => {
      senders.end(sender);
      if (!request.complete) return reject(incomplete());
      resolve(pieces.joined());
    });
    request.once('error', () => stop(incomplete()));
    request.once('close', () => stop(incomplete()));
  });
}

/** How to tell whoever reads a body that it broke off; the fault itself when nobody was reading yet. */
const ends = new WeakMap<IncomingMessage, Fault | ((fault: Fault) => void)>();

/** The rest of this body will never come. */
export function breakOff(request: IncomingMessage, fault: Fault): void {
  const end = ends.get(request);
  if (typeof end === 'function') end(fault);
  else ends.set(request, fault);
}

/** Behind an offer to upgrade, Node's parser does not tell that a client ended its side within a body. */
export function breakOffAtEnd(request: IncomingMessage): void {
  request.socket.once('end', () => {
    if (!request.complete) breakOff(request, incomplete());
  });
}

const incomplete = () => new Fault('BODY_INCOMPLETE');

function tooLarge(maxBytes: number): Fault {
  return new Fault('BODY_TOO_LARGE', {message: `Request payload too large, max payload size = ${maxBytes} bytes`});
}
