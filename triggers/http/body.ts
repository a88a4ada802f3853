import type {IncomingMessage} from 'node:http';
import {Fault} from '../../src/errors.ts';
import {type BodyTurns, largeBody, type Turn} from '../../src/limits/body-turns.ts';
import type {Hold} from '../../src/limits/budget.ts';
import type {Connection} from './connection.ts';
import type {Senders} from './senders.ts';

export type {Turn};

export interface BodyLimits {
  readonly maxBytes: number;
  /** Bytes that are held beside the body until the event is written. */
  readonly headBytes: number;
  /** What the body is charged to. */
  readonly hold: Hold;
  /** Where large bodies wait for their turn; undefined: they need none. */
  readonly turns: BodyTurns | undefined;
  /** It has its turn, which the caller ends. */
  readonly onTurn: (turn: Turn) => void;
  /** Every body that is being received. */
  readonly senders: Senders;
  /** Called when the body is wanted. */
  readonly onStart: () => void;
}

/** What a body counts in its turn whose length nobody knows. */
const undeclaredBytes = 2 ** 20;

/** A declared length reserves at most this, as it is only a promise. Past it, what has arrived is charged. */
const reservedBytes = 64 * 2 ** 10;

/** A length of 0 counts as no body: nothing is asked for, nothing held. */
export function hasBody({headers}: IncomingMessage): boolean {
  const declared = headers['content-length'];
  return declared === undefined ? headers['transfer-encoding'] !== undefined : Number(declared) !== 0;
}

/** A smaller event without a body is charged, but never refused: the length of the queue limits how many there are. */
export const smallEvent = 16 * 2 ** 10;

/** What a head adds to the bytes in flight. 0 for a small head, as the event that is made of it is charged. */
export function largeHeadBytes({rawHeaders}: IncomingMessage): number {
  let bytes = 0;
  for (const text of rawHeaders) bytes += text.length;
  return bytes < smallEvent ? 0 : bytes;
}

/**
Receives the whole body, or throws: the function never runs on a part of a body.

@throws Fault BODY_TOO_LARGE by the declared length, before a byte is read, or as soon as the count passes the limit
@throws Fault INFLIGHT_FULL when there is no room for what has arrived, even without the slow senders
@throws Fault BODY_INCOMPLETE when the client leaves
@throws the fault that the connection broke the body off with
*/
export async function readBody(connection: Connection, request: IncomingMessage, limits: BodyLimits): Promise<Buffer> {
  const {maxBytes, headBytes, hold, senders, turns, onTurn, onStart} = limits;
  const declaredBytes = Number(request.headers['content-length'] ?? 0);
  if (declaredBytes > maxBytes) throw tooLarge(maxBytes);
  const turnBytes = request.headers['content-length'] === undefined ? undeclaredBytes : declaredBytes;
  if (turns && turnBytes > largeBody) onTurn(await turns.take(turnBytes));
  const broken = connection.brokenOff(request);
  if (broken) throw broken;
  if (request.destroyed) throw incomplete(); // its events have passed
  const full = senders.grow(hold, headBytes + Math.min(declaredBytes, reservedBytes));
  if (full) throw full;
  onStart();

  return new Promise((resolve, reject) => {
    const pieces = turns && declaredBytes > largeBody ? new WholeBody(declaredBytes) : new Pieces();
    const stop = (fault: Fault) => {
      request.removeAllListeners('data');
      pieces.clear();
      senders.end(sender);
      reject(fault);
    };
    const sender = senders.add(hold, stop);
    connection.onBreakOff(request, stop);
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
    request.once('close', () => {
      if (!request.readableEnded) stop(incomplete());
    });
  });
}

/** Behind an offer to upgrade, Node's parser does not report that a client ended its side in the middle of a body. */
export function breakOffAtEnd(connection: Connection, request: IncomingMessage): void {
  connection.socket.once('end', () => {
    if (!request.complete) connection.breakOff(incomplete());
  });
}

export const incomplete = () => new Fault('BODY_INCOMPLETE');

export function tooLarge(maxBytes: number): Fault {
  return new Fault('BODY_TOO_LARGE', {message: `Request payload too large, max payload size = ${maxBytes} bytes`});
}

/** A body of known length, in one piece from the start: joined at its end it would be in memory twice. */
class WholeBody implements Pick<Pieces, 'add' | 'joined' | 'clear'> {
  #buffer: Buffer;
  #bytes = 0;

  constructor(bytes: number) {
    this.#buffer = Buffer.allocUnsafeSlow(bytes);
  }

  add(piece: Buffer): number {
    this.#bytes += piece.copy(this.#buffer, this.#bytes);
    return this.#bytes;
  }

  joined(): Buffer {
    return this.#buffer;
  }

  clear(): void {
    this.#buffer = Buffer.alloc(0);
  }
}

/** A smaller piece is copied: kept as it is, it would hold the whole packet that it came in, and an object of its own. */
const smallBytes = 4096;
const blockBytes = 16 * 2 ** 10;

/** The pieces of a body as they arrive, in little more memory than they have bytes, however small they are. */
export class Pieces {
  #whole: Buffer[] = [];
  #bytes = 0;
  #block: Buffer = Buffer.alloc(0);
  /** The part of the block that was written and is not in the list yet. */
  #from = 0;
  #to = 0;

  /** @returns the bytes of all pieces */
  add(piece: Buffer): number {
    this.#bytes += piece.length;
    const isFirst = this.#bytes === piece.length;
    if (isFirst || piece.length >= smallBytes) {
      this.#flush();
      this.#whole.push(piece);
    } else this.#copy(piece);
    return this.#bytes;
  }

  joined(): Buffer {
    this.#flush();
    const [first] = this.#whole;
    return this.#whole.length === 1 && first ? first : Buffer.concat(this.#whole, this.#bytes);
  }

  clear(): void {
    this.#whole = [];
    this.#block = Buffer.alloc(0);
    this.#from = this.#to = 0;
  }

  #copy(piece: Buffer): void {
    if (this.#to + piece.length > this.#block.length) {
      this.#flush();
      this.#block = Buffer.allocUnsafeSlow(blockBytes);
      this.#from = this.#to = 0;
    }
    this.#to += piece.copy(this.#block, this.#to);
  }

  #flush(): void {
    if (this.#to > this.#from) this.#whole.push(this.#block.subarray(this.#from, this.#to));
    this.#from = this.#to;
  }
}
