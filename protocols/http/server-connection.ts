import net, {type Socket} from 'node:net';
import {Fault} from '../../src/errors.ts';
import {metItself} from '../../src/hop/self-connection.ts';
import type {Address} from '../../src/protocol.ts';
import {AnswerReader, type AnswerTaker} from './answer-reader.ts';

/** Who has the connection at the time. */
export interface Exchange extends AnswerTaker {
  /** The connection is there, and the request may be written. */
  connected(): void;
  /** The system has taken what waited to be written. */
  drained(): void;
  /** It was refused or broke off, or what came is no answer. */
  failed(error: Error): void;
}

/**
What came last, on whichever connection. One buffer does for all, as the system is read into it and it is emptied in the same turn; a
new one of 64 KiB for each read costs more than the read.
*/
const received = Buffer.allocUnsafeSlow(64 * 2 ** 10);

/** One connection to a server: one exchange at a time has it. */
export class ServerConnection {
  readonly socket: Socket;
  /** Until when it may wait for the next request, on the monotonic clock. */
  untilMs = 0;
  readonly #reader = new AnswerReader();
  #exchange: Exchange | undefined;
  #hasEnded = false;

  constructor({host, port}: Address) {
    const onread = {buffer: received, callback: (count: number, bytes: Uint8Array) => this.#read(count, bytes as Buffer)}; // `received`
    const socket = net.connect({host, port, noDelay: true, onread});
    this.socket = socket;
    socket.once('connect', () => this.#connected());
    socket.on('drain', () => this.#exchange?.drained());
    socket.once('end', () => this.#ended());
    socket.on('error', error => this.#fail(error));
    socket.once('close', () => this.#fail(lost()));
  }

  get isConnected(): boolean {
    return !this.socket.connecting;
  }

  /** It can be used for a request. */
  get isUsable(): boolean {
    return !this.#hasEnded && !this.socket.destroyed;
  }

  /** How long it may wait for the next request, in milliseconds, by what came last. */
  get keepMs(): number {
    return this.#reader.keepMs;
  }

  /** @param isOfHead its request has the method HEAD */
  lend(exchange: Exchange, isOfHead: boolean): void {
    this.#exchange = exchange;
    this.#reader.expect(isOfHead);
  }

  /** The exchange has ended. What comes from now on belongs to no call, and ends the connection. */
  giveBack(): void {
    this.#exchange = undefined;
    if (this.socket.isPaused()) this.socket.resume();
  }

  destroy(): void {
    this.#exchange = undefined;
    this.#reader.stop();
    this.socket.destroy();
  }

  #connected(): void {
    const {socket} = this;
    // On loopback a connection may meet itself, which is nobody.
    if (metItself(socket)) socket.destroy(Object.assign(new Error('connect ECONNREFUSED: nobody listens'), {code: 'ECONNREFUSED'}));
    else this.#exchange?.connected();
  }

  #read(count: number, buffer: Buffer): boolean {
    const bytes = buffer.subarray(0, count);
    const exchange = this.#exchange;
    if (!exchange) this.destroy();
    else this.#tell(bytes, exchange);
    return true;
  }

  #tell(bytes: Buffer, exchange: Exchange): void {
    try {
      this.#reader.read(bytes, exchange);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.#fail(error);
    }
  }

  #ended(): void {
    this.#hasEnded = true;
    const exchange = this.#exchange;
    if (!exchange) this.destroy();
    else if (!this.#reader.end(exchange)) this.#fail(lost());
  }

  #fail(error: Error): void {
    const exchange = this.#exchange;
    this.destroy();
    exchange?.failed(error);
  }
}

const lost = () => Object.assign(new Error('the server ended the connection'), {code: 'ECONNRESET'});
