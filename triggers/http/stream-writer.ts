import type {ServerResponse} from 'node:http';
import {atTurnEnd} from '../../src/clock.ts';
import {Fault} from '../../src/errors.ts';
import type {StreamedBody, StreamTaker} from '../../src/streamed-body.ts';
import type {Leaving, Readers} from './readers.ts';

/**
Writes a body as its pieces come, as fast as the client reads it: a piece that the system has not taken holds up those behind it
in the function. One that breaks off breaks the connection, so that the client does not take it for the whole.
*/
export function writeStream(
  response: ServerResponse,
  stream: StreamedBody,
  {readers, leaving, end}: {readers: Readers; leaving: Leaving; end: () => void},
): void {
  readers.followStream(response, new LeavingStream(leaving, stream));
  response.flushHeaders();
  stream.take(new StreamWriter(response, stream, end));
}

/** The client that has left gives the rest up. */
export class LeavingStream implements Leaving {
  readonly #leaving: Leaving;
  readonly #stream: StreamedBody;

  constructor(leaving: Leaving, stream: StreamedBody) {
    this.#leaving = leaving;
    this.#stream = stream;
  }

  get bytes(): number {
    return this.#leaving.bytes;
  }

  get isOfFunction(): boolean {
    return this.#leaving.isOfFunction === true;
  }

  left(): void {
    this.#stream.giveUp(new Fault('CALLER_LEFT'));
    this.#leaving.left();
  }
}

class StreamWriter implements StreamTaker {
  readonly #response: ServerResponse;
  readonly #stream: StreamedBody;
  readonly #end: () => void;
  /** Of the pieces that the system has not taken, in turn. */
  readonly #lengths: number[] = [];

  constructor(response: ServerResponse, stream: StreamedBody, end: () => void) {
    this.#response = response;
    this.#stream = stream;
    this.#end = end;
    // A client that has closed its side counts as gone: otherwise one that left is noticed only with the next piece.
    response.req.socket.once('end', this.#left);
  }

  piece(bytes: Buffer): void {
    this.#lengths.push(bytes.length);
    this.#response.write(bytes, this.#taken);
  }

  over(fault?: Fault): void {
    const response = this.#response;
    response.req.socket.off('end', this.#left);
    // What was written in this turn is still to be called back for, and leaves before the connection is broken.
    if (fault && !response.writableNeedDrain) this.#stream.passed(this.#lengths.splice(0).reduce((sum, bytes) => sum + bytes, 0));
    if (!fault) this.#end();
    else if (response.socket) this.#breakOff();
    else response.once('socket', () => this.#breakOff()); // replies before it leave whole
  }

  readonly #left = (): void => this.#stream.giveUp(new Fault('CALLER_LEFT'));

  readonly #taken = (error?: Error | null): void => {
    const bytes = this.#lengths.shift() ?? 0;
    if (!error) this.#stream.passed(bytes);
  };

  /** What was made until now leaves first, as far as the system takes it. */
  #breakOff(): void {
    atTurnEnd(() => this.#break());
  }

  /** The end of a connection is also the end of a body without chunks: that of HTTP/1.0 must not look like one. */
  #break(): void {
    const {socket, httpVersion} = this.#response.req;
    if (httpVersion === '1.0') socket.resetAndDestroy();
    else socket.destroy();
  }
}
