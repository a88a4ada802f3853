import type {Socket} from 'node:net';
import type {Fault} from '../../src/errors.ts';
import type {BodyTaker, OpenBody, PassedRequest} from '../../src/passing.ts';
import type {Batch, Batched} from './batch.ts';
import {passTrailers} from './fields.ts';
import {Unwritten} from './written.ts';

export const isOpen = (body: Buffer | OpenBody | undefined): body is OpenBody => body !== undefined && 'take' in body;

const shortBody = 8 * 2 ** 10;

/** Whose request it is. */
export interface SenderHouse {
  /** The body broke off: the server must not take what it got for the whole. */
  refused(fault: Fault): void;
}

/** Writes a request to its server: its body as it comes, as fast as the server takes it. */
export class Sender implements BodyTaker, Batched {
  readonly socket: Socket;
  readonly #sent: PassedRequest;
  readonly #house: SenderHouse;
  readonly #isChunked: boolean;
  readonly #unwritten = new Unwritten();
  #hasEnded = false;

  constructor(socket: Socket, sent: PassedRequest, house: SenderHouse) {
    this.socket = socket;
    this.#sent = sent;
    this.#house = house;
    this.#isChunked = isOpen(sent.body) && sent.body.bytes === undefined;
  }

  /** All of it has been written. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** The system has taken all of it. */
  get isSent(): boolean {
    return this.#hasEnded && this.socket.writableLength === 0;
  }

  /**
  @param head as latin1 text
  @param batch with which it may leave
  */
  start(head: string, batch: Batch | undefined): void {
    const {body} = this.#sent;
    if (!isOpen(body)) this.#writeWhole(head, body, batch);
    else {
      // What has come of the body is handed over within this turn, and leaves with the head.
      this.socket.cork();
      this.socket.write(head, 'latin1');
      body.take(this);
      process.nextTick(uncork, this.socket);
    }
  }

  piece(bytes: Buffer): boolean {
    const socket = this.socket;
    this.#unwritten.add(bytes);
    if (!this.#isChunked) return socket.write(bytes, this.#unwritten.firstWritten);
    socket.cork();
    socket.write(`${bytes.length.toString(16)}\r\n`, 'latin1');
    socket.write(bytes, this.#unwritten.firstWritten);
    const isTaken = socket.write('\r\n', 'latin1');
    socket.uncork();
    return isTaken;
  }

  end(trailers: readonly string[]): void {
    this.#hasEnded = true;
    if (!this.#isChunked) return;
    const kept = passTrailers(trailers, this.#sent.credential);
    let text = '0\r\n';
    for (let index = 0; index < kept.length; index += 2) text += `${kept[index]}: ${kept[index + 1]}\r\n`;
    this.socket.write(`${text}\r\n`, 'latin1');
  }

  failed(fault: Fault): void {
    this.#house.refused(fault);
  }

  written(): void {
    this.#hasEnded = true;
  }

  /** As latin1 text, which keeps its bytes, a short body leaves in one write with its head. */
  #writeWhole(head: string, body: Buffer | undefined, batch: Batch | undefined): void {
    const socket = this.socket;
    if (body !== undefined && body.length > shortBody) {
      socket.cork();
      socket.write(head, 'latin1');
      socket.write(body);
      socket.uncork();
      this.#hasEnded = true;
      return;
    }
    const text = body === undefined ? head : head + body.toString('latin1');
    if (batch) {
      batch.add(this, text);
      return;
    }
    socket.write(text, 'latin1');
    this.#hasEnded = true;
  }
}

const uncork = (socket: Socket) => socket.uncork();
