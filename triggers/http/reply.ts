import type {ServerResponse} from 'node:http';
import {atTurnEnd, type Clock} from '../../src/clock.ts';
import type {InvocationResult} from '../../src/delivery.ts';
import {hasBody} from './body.ts';
import {connectionOf} from './connection.ts';
import {lingerMs} from './last-words.ts';
import {type Leaving, type Readers, unwatched} from './readers.ts';

/** A text of this size is turned into bytes at once, so that the text is freed. Node would do it later, and hold both meanwhile. */
const largeText = 64 * 2 ** 10;

export interface WriteOptions {
  /** The connection ends with this reply, or with that to the newest request that is already being served. */
  readonly close: boolean;
  /** Other requests are being served: the reply leaves together with theirs. */
  readonly isBusy?: boolean;
  /** Its `left` is called when the reply has left. */
  readonly leaving?: Leaving;
}

/** A reply whose head was written. */
interface Ending {
  readonly response: ServerResponse;
  readonly content: string | Buffer;
  readonly leaving: Leaving;
}

/** Writes the replies of a listener. */
export class Replies {
  readonly #clock: Clock;
  readonly #readers: Readers;
  /** Replies that are ended at the end of this turn of the event loop. */
  readonly #ending: Ending[] = [];

  constructor(clock: Clock, readers: Readers) {
    this.#clock = clock;
    this.#readers = readers;
  }

  /** Writes one reply. The core computes the framing; the length comes last. */
  write(response: ServerResponse, result: InvocationResult, {close, isBusy = false, leaving = unwatched}: WriteOptions): void {
    if (response.headersSent || response.destroyed) {
      leaving.left();
      return;
    }
    const request = response.req;
    const {status, body, declaredLength} = result;
    const isUnread = !request.complete && hasBody(request);
    const isBodyless = status === 204 || status === 205 || status === 304;
    const headers = [...result.headers];
    if (connectionOf(request.socket).endsWith(response, close || isUnread)) headers.push('Connection', 'close');
    if (status === 205) headers.push('Content-Length', '0');
    else if (request.method === 'HEAD' && declaredLength !== undefined && !isBodyless) headers.push('Content-Length', declaredLength);
    else if (!isBodyless) headers.push('Content-Length', String(typeof body === 'string' ? Buffer.byteLength(body) : body.length));
    response.writeHead(status, headers);
    const content = isBodyless || request.method === 'HEAD' ? '' : wireBody(body, result.headers);
    const ending = {response, content, leaving};
    if (isUnread) this.#endAfterLinger(ending);
    else if (isBusy) this.#endAtTurnEnd(ending);
    else this.#end(ending);
  }

  #end({response, content, leaving}: Ending): void {
    response.end(content);
    this.#readers.follow(response, leaving);
  }

  /**
  A write wakes a client that sleeps, and on few processors the client then takes the place of the process that woke it. When
  the replies of one turn are written one after another, they wake it once. That gains a tenth of throughput at 32 connections.
  */
  #endAtTurnEnd(ending: Ending): void {
    if (this.#ending.push(ending) === 1) atTurnEnd(this.#endAll);
  }

  readonly #endAll = (): void => {
    for (const ending of this.#ending.splice(0)) this.#end(ending);
  };

  /** The whole reply leaves at once; the connection ends when the client has sent everything, or a second later. */
  #endAfterLinger({response, content, leaving}: Ending): void {
    if (content.length > 0) response.write(content);
    else response.flushHeaders();
    const request = response.req;
    const {socket} = request;
    if (socket.readableEnded) {
      response.end();
      this.#readers.follow(response, leaving);
      return;
    }
    const end = () => {
      stopTimer();
      socket.off('end', end);
      response.end();
      this.#readers.follow(response, leaving);
    };
    const stopTimer = this.#clock.after(lingerMs, end);
    request.once('end', end);
    request.once('error', end);
    request.once('close', end);
    socket.once('end', end); // the client has ended its side: nothing more comes
    request.resume();
  }
}

/** Node writes a text body and the head as one UTF-8 text; bytes in the head beyond ASCII need a body in bytes. */
function wireBody(body: string | Buffer, headers: readonly string[]): string | Buffer {
  return typeof body === 'string' && (body.length > largeText || headers.some(isBeyondAscii)) ? Buffer.from(body) : body;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant
const isBeyondAscii = (field: string) => /[^\x00-\x7f]/.test(field);
