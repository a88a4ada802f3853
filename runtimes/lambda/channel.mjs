import {once} from 'node:events';
import net from 'node:net';

/* The bridge's end of the channel, as runtimes/README.md describes it: whole calls come in, replies go out as far as there is credit. */

const CALL = 1;
const BODY = 2;
const CANCEL = 3;
const CREDIT = 4;
const PING = 5;
const RESULT = 17;
const DATA = 18;
const END = 19;
const FAILED = 20;
const PONG = 21;

const headBytes = 9;
const runHeadBytes = 9;
const pieceBytes = 65_536;
const windowBytes = 262_144;
const longestMessageBytes = 65_536;
const unknownBytes = 0xffffffff;
/** No piece is written while the core has so much to read. */
const unreadBytes = 262_144;

export class Channel {
  #socket;
  #events;
  #callMaxBytes;
  #rest = Buffer.alloc(0);
  /** Calls whose bytes are still coming. */
  #coming = new Map();
  /** Replies on their way. */
  #replies = new Map();

  /**
  @param events call({number, form, json, body}), cancelled(number) for a call that was handed on, ended() once the core has ended its side
  */
  constructor(fd, callMaxBytes, events) {
    this.#callMaxBytes = callMaxBytes;
    this.#events = events;
    this.#socket = new net.Socket({fd, readable: true, writable: true, allowHalfOpen: true});
    this.#socket.on('data', chunk => this.#read(chunk));
    let isOver = false;
    for (const event of ['end', 'error', 'close']) {
      this.#socket.on(event, () => {
        if (!isOver) events.ended();
        isOver = true;
      });
    }
  }

  /** Resolves once everything has left that was written. */
  close() {
    return new Promise(resolve => this.#socket.end(resolve));
  }

  // What comes

  #read(chunk) {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (bytes.length >= headBytes && bytes.length >= headBytes + bytes.readUInt32BE(0)) {
      const end = headBytes + bytes.readUInt32BE(0);
      this.#take(bytes[4], bytes.readUInt32BE(5), bytes.subarray(headBytes, end));
      bytes = bytes.subarray(end);
    }
    this.#rest = Buffer.from(bytes);
  }

  #take(type, number, payload) {
    if (type === CALL) this.#begin(number, payload);
    else if (type === BODY) this.#fill(number, payload);
    else if (type === CANCEL) this.#cancel(number);
    else if (type === CREDIT) this.#replies.get(number)?.give(payload.readUInt32BE(0));
    else if (type === PING) this.#write(PONG, 0);
  }

  #begin(number, payload) {
    const jsonBytes = payload.readUInt32BE(1);
    const size = jsonBytes + payload.readUInt32BE(5);
    if (size > this.#callMaxBytes) return this.fail(number, 'The request is too large for the bridge');
    const call = {form: payload[0], jsonBytes, bytes: Buffer.allocUnsafe(size), filled: 0};
    this.#coming.set(number, call);
    this.#fill(number, payload.subarray(runHeadBytes));
  }

  #fill(number, payload) {
    const call = this.#coming.get(number);
    if (call === undefined) return; // it was cancelled, or refused
    call.filled += payload.copy(call.bytes, call.filled);
    if (call.filled < call.bytes.length) return;
    this.#coming.delete(number);
    const {form, jsonBytes, bytes} = call;
    this.#events.call({number, form, json: bytes.toString('utf8', 0, jsonBytes), body: bytes.subarray(jsonBytes)});
  }

  #cancel(number) {
    if (this.#coming.delete(number)) return this.#write(END, number);
    const reply = this.#replies.get(number);
    if (reply === undefined) this.#events.cancelled(number);
    else reply.cancel();
  }

  // What goes

  fail(number, message) {
    let bytes = Buffer.from(message);
    // A character is not cut in the middle.
    if (bytes.length > longestMessageBytes) bytes = Buffer.from(bytes.toString('utf8', 0, longestMessageBytes - 3).replace(/\ufffd$/, ''));
    this.#write(FAILED, number, bytes);
  }

  /** The call is over, and nobody wants a reply. */
  end(number) {
    this.#write(END, number);
  }

  /** Sends a whole reply; resolves when it has left, or is not wanted any more. */
  async succeed(number, {form, json = '', body = ''}) {
    const jsonBytes = Buffer.from(json);
    const bodyBytes = Buffer.from(body);
    const all = Buffer.concat([jsonBytes, bodyBytes]);
    const reply = this.#open(number, form, jsonBytes.length, bodyBytes.length, all.subarray(0, pieceBytes - runHeadBytes));
    await reply.send(all.subarray(pieceBytes - runHeadBytes));
    this.#replies.delete(number);
    if (reply.isCancelled && reply.sent < all.length) this.#write(END, number);
  }

  /** Begins a reply of unknown length. */
  stream(number, {form, json = ''}, first) {
    const jsonBytes = Buffer.from(json);
    const head = first.subarray(0, pieceBytes - runHeadBytes - jsonBytes.length);
    const reply = this.#open(number, form, jsonBytes.length, unknownBytes, Buffer.concat([jsonBytes, head]));
    const over = () => this.#replies.delete(number);
    return {
      rest: first.subarray(head.length),
      send: bytes => reply.send(bytes),
      get isCancelled() {
        return reply.isCancelled;
      },
      end: () => over() && this.#write(END, number),
      fail: message => over() && (reply.isCancelled ? this.#write(END, number) : this.fail(number, message)),
    };
  }

  #open(number, form, jsonBytes, bodyBytes, first) {
    const head = Buffer.alloc(runHeadBytes);
    head[0] = form;
    head.writeUInt32BE(jsonBytes, 1);
    head.writeUInt32BE(bodyBytes, 5);
    this.#write(RESULT, number, head, first);
    const reply = new Reply(this.#socket, first.length, piece => this.#write(DATA, number, piece));
    this.#replies.set(number, reply);
    return reply;
  }

  #write(type, number, ...parts) {
    const head = Buffer.allocUnsafe(headBytes);
    head.writeUInt32BE(
      parts.reduce((sum, part) => sum + part.length, 0),
      0,
    );
    head[4] = type;
    head.writeUInt32BE(number, 5);
    this.#socket.write(Buffer.concat([head, ...parts]));
  }
}

/** The bytes of a reply behind its RESULT, as fast as the core takes them. */
class Reply {
  isCancelled = false;
  sent;
  #socket;
  #write;
  #credit;
  #wake = () => {};

  constructor(socket, sent, write) {
    this.#socket = socket;
    this.#write = write;
    this.sent = sent;
    this.#credit = windowBytes - sent;
  }

  give(bytes) {
    this.#credit += bytes;
    this.#wake();
  }

  cancel() {
    this.isCancelled = true;
    this.#wake();
  }

  async send(bytes) {
    for (let at = 0; at < bytes.length && !this.isCancelled; ) {
      if (this.#credit === 0) {
        await new Promise(resolve => {
          this.#wake = resolve;
        });
        continue;
      }
      if (this.#socket.writableLength > unreadBytes) await once(this.#socket, 'drain');
      if (this.isCancelled) return;
      const end = Math.min(bytes.length, at + Math.min(this.#credit, pieceBytes));
      this.#write(bytes.subarray(at, end));
      this.#credit -= end - at;
      this.sent += end - at;
      at = end;
    }
  }
}
