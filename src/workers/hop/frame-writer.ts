import type {Duplex} from 'node:stream';
import {atTurnEnd} from '../../clock.ts';
import {formOfCall, frame, headBytes, leadBytes, pieceBytes, unknownBytes, writeHead, writeLead} from './frames.ts';

/** A body, or a JSON text, of up to this many bytes is copied behind the frames of its turn; a longer one is written from where it stands. */
const copiedBytes = 16 * 2 ** 10;
/** So much of long calls is handed to the socket before it must say that it took it. */
const aheadBytes = 256 * 2 ** 10;
/** When so much was not taken, the bridge does not read. */
const behindBytes = 2 ** 20;

/** A call too long for one frame, of which a part is written. */
export interface LongCall {
  readonly call: number;
  readonly parts: Buffer[];
  /** Of the first part that is left. */
  at: number;
  left: number;
  isStopped: boolean;
}

/**
Writes frames to one bridge. What is written in one turn of the event loop leaves in one write. Long calls go piece by piece,
in turn, as fast as the bridge reads: a long one holds no short one up.
*/
export class FrameWriter {
  readonly #socket: Duplex;
  #batch: Buffer = Buffer.allocUnsafeSlow(pieceBytes);
  #length = 0;
  #isDue = false;
  #isAsked = false;
  readonly #long: LongCall[] = [];
  readonly #flush = () => this.flush();

  constructor(socket: Duplex) {
    this.#socket = socket;
    socket.on('drain', this.#flush);
  }

  /** The bridge does not read what is written. */
  get isBehind(): boolean {
    return this.#socket.writableLength > behindBytes;
  }

  /** @returns what is left to write of a long call; undefined: all is written */
  call(call: number, form: keyof typeof formOfCall, json: string, body: Buffer): LongCall | undefined {
    const most = headBytes + leadBytes + 3 * json.length + body.length;
    if (json.length <= copiedBytes && body.length <= copiedBytes && most <= this.#batch.length) {
      const at = this.#room(most);
      const jsonBytes = this.#batch.write(json, at + headBytes + leadBytes);
      const bodyAt = at + headBytes + leadBytes + jsonBytes;
      body.copy(this.#batch, bodyAt);
      writeHead(this.#batch, at, leadBytes + jsonBytes + body.length, frame.call, call);
      writeLead(this.#batch, at + headBytes, formOfCall[form], jsonBytes, body.length);
      this.#length = bodyAt + body.length;
      return undefined;
    }
    const text = Buffer.from(json);
    if (body.length >= unknownBytes || text.length >= unknownBytes) throw new RangeError('Expected a call that is shorter than 4 GiB');
    const lead = Buffer.allocUnsafe(leadBytes);
    writeLead(lead, 0, formOfCall[form], text.length, body.length);
    const parts = [text, body].filter(({length}) => length > 0);
    const long: LongCall = {call, parts, at: 0, left: text.length + body.length, isStopped: false};
    this.#write(frame.call, call, lead);
    this.#long.push(long);
    return long;
  }

  /** Begins a call whose body is still to come. */
  open(call: number, json: string): void {
    const text = Buffer.from(json);
    const first = text.subarray(0, copiedBytes);
    const lead = Buffer.allocUnsafe(leadBytes);
    writeLead(lead, 0, formOfCall.bytes, text.length, unknownBytes);
    this.#write(frame.call, call, Buffer.concat([lead, first]));
    this.body(call, text.subarray(first.length));
  }

  /** More of a call. */
  body(call: number, bytes: Buffer): void {
    const most = this.#batch.length - headBytes;
    for (let at = 0; at < bytes.length; at += most) this.#write(frame.body, call, bytes.subarray(at, at + most));
  }

  /** An empty piece: the body of a call is whole. */
  bodyEnd(call: number): void {
    this.#write(frame.body, call);
  }

  cancel(call: number): void {
    this.#write(frame.cancel, call);
  }

  credit(call: number, bytes: number): void {
    const payload = Buffer.allocUnsafe(4);
    payload.writeUInt32BE(bytes);
    this.#write(frame.credit, call, payload);
  }

  /** Asks at once whether the bridge is alive; not again before it has answered. */
  ping(): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    this.#write(frame.ping, 0);
    this.flush();
  }

  ponged(): void {
    this.#isAsked = false;
  }

  /** Hands over what was written, now. */
  flush(): void {
    this.#isDue = false;
    const socket = this.#socket;
    if (!socket.writable) {
      this.#length = 0;
      this.#long.length = 0;
      return;
    }
    if (this.#length > 0) {
      this.#hand(this.#batch.subarray(0, this.#length));
      this.#length = 0;
    }
    if (this.#long.length > 0) this.#pump();
  }

  /** Nearly always the system takes the batch at once, and it can be used again. While it takes nothing, a copy waits: it is shorter. */
  #hand(batch: Buffer): void {
    const isTaken = this.#socket.writableLength === 0;
    this.#socket.write(isTaken ? batch : Buffer.from(batch));
    if (isTaken && this.#socket.writableLength > 0) this.#batch = Buffer.allocUnsafeSlow(pieceBytes);
  }

  #write(type: number, call: number, payload?: Buffer): void {
    const length = payload?.length ?? 0;
    const at = this.#room(headBytes + length);
    writeHead(this.#batch, at, length, type, call);
    payload?.copy(this.#batch, at + headBytes);
    this.#length = at + headBytes + length;
  }

  /** Where so many bytes may be written in the batch, which leaves at the end of this turn. */
  #room(bytes: number): number {
    if (this.#length + bytes > this.#batch.length) this.flush();
    if (!this.#isDue) {
      this.#isDue = true;
      atTurnEnd(this.#flush);
    }
    return this.#length;
  }

  /** A piece of each long call in turn, until the socket has enough. */
  #pump(): void {
    const socket = this.#socket;
    if (this.#long.length === 0 || !socket.writable) return;
    socket.cork();
    while (socket.writableLength < aheadBytes) {
      const next = this.#long.shift();
      if (!next) break;
      if (next.isStopped) continue;
      this.#writePiece(next);
      if (next.left > 0) this.#long.push(next);
    }
    socket.uncork();
  }

  #writePiece(long: LongCall): void {
    const bytes = Math.min(pieceBytes, long.left);
    const head = Buffer.allocUnsafe(headBytes);
    writeHead(head, 0, bytes, frame.body, long.call);
    this.#socket.write(head);
    for (let left = bytes; left > 0; ) {
      const part = long.parts[0] as Buffer; // there is one while bytes are left
      const to = Math.min(part.length, long.at + left);
      this.#socket.write(part.subarray(long.at, to));
      left -= to - long.at;
      long.at = to;
      if (to < part.length) continue;
      long.parts.shift();
      long.at = 0;
    }
    long.left -= bytes;
  }
}
