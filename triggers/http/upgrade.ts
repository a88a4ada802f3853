import type {IncomingMessage, Server, ServerResponse} from 'node:http';
import type {Socket} from 'node:net';
import type {Duplex} from 'node:stream';
import {Fault} from '../../src/errors.ts';
import {nodeHttp} from '../../src/http/node-http.ts';
import type {BodyTaker, OpenBody} from '../../src/passing.ts';
import {hasBody} from './body.ts';
import {connectionOf} from './connection.ts';
import {survive} from './last-words.ts';

/** Other forms of HTTP: a server that speaks one would answer requests of which the core knows nothing. */
const formsOfHttp = /(^|,)\s*(h2c?|http|tls)\b/i;

/**
Whether an offer to upgrade is passed on. Else it is ignored, as RFC 9110 §7.8 allows. Requests before it on the connection must
have been answered, and nothing but its own bytes may have been read.
*/
export function mayUpgrade(request: IncomingMessage): boolean {
  const {inProgress, waiting, letIn, isLast} = connectionOf(request.socket);
  const isAlone = inProgress === 0 && waiting.length === 0 && letIn === undefined && !isLast;
  return isAlone && request.httpVersion === '1.1' && !hasBody(request) && !formsOfHttp.test(request.headers.upgrade ?? '');
}

/** Takes requests that offer an upgrade. Node's parser has left their connection: an answer that takes no offer is the last. */
export function takeUpgrades(server: Server, take: (request: IncomingMessage, response: ServerResponse) => void): void {
  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    const socket = stream as Socket; // a TCP server has no others
    survive(socket);
    socket.setTimeout(0);
    connectionOf(socket).tunnel = new TunnelBody(socket, head);
    const response = new nodeHttp.ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.once('finish', () => {
      response.detachSocket(socket);
      socket.destroySoon();
    });
    take(request, response);
  });
}

/** What a client sends behind its request, once the server has taken the offer. Until then only a little is read. */
export class TunnelBody implements OpenBody {
  readonly bytes = undefined;
  passedBytes = 0;
  readonly #socket: Socket;
  readonly #early: Buffer[] = [];
  #taker: BodyTaker | undefined;

  constructor(socket: Socket, head: Buffer) {
    this.#socket = socket;
    if (head.length > 0) this.#early.push(head);
    socket.on('data', this.#piece);
  }

  take(taker: BodyTaker): void {
    this.#taker = taker;
    const socket = this.#socket;
    socket.once('end', () => this.#over()?.end([]));
    socket.once('close', () => this.#over()?.failed(new Fault('CALLER_LEFT')));
    for (const piece of this.#early.splice(0)) this.#piece(piece);
    if (!this.#early.length && this.#taker) socket.resume();
  }

  more(): void {
    if (this.#taker) this.#socket.resume();
  }

  drop(): void {
    this.#over();
  }

  readonly #piece = (bytes: Buffer): void => {
    if (!this.#taker) {
      this.#early.push(bytes);
      this.#socket.pause();
      return;
    }
    this.passedBytes += bytes.length;
    if (!this.#taker.piece(bytes)) this.#socket.pause();
  };

  #over(): BodyTaker | undefined {
    const taker = this.#taker;
    this.#taker = undefined;
    return taker;
  }
}
