import type {ServerResponse} from 'node:http';
import type {Socket} from 'node:net';
import type {InvocationResult} from '../../src/delivery.ts';
import type {Fault} from '../../src/errors.ts';
import type {StreamedBody, StreamTaker} from '../../src/streamed-body.ts';
import {connectionOf} from './connection.ts';
import type {Leaving, Readers} from './readers.ts';
import {LeavingStream} from './stream-writer.ts';

/** Writes the head of an answer that takes an offer to upgrade. What follows is no HTTP, and goes on as it comes. */
export function writeTunnel(
  response: ServerResponse,
  {status, headers}: InvocationResult,
  {stream, reason, readers, leaving}: {stream: StreamedBody; reason: string; readers: Readers; leaving: Leaving},
): void {
  const {socket} = response.req;
  const connection = connectionOf(socket);
  connection.isOver = true;
  const lines = [`HTTP/1.1 ${status} ${reason}`];
  for (let index = 0; index + 1 < headers.length; index += 2) lines.push(`${headers[index]}: ${headers[index + 1]}`);
  socket.write(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  readers.followStream(response, new LeavingStream(leaving, stream));
  stream.take(new TunnelWriter(socket, stream));
}

class TunnelWriter implements StreamTaker {
  readonly #socket: Socket;
  readonly #stream: StreamedBody;
  /** Of the pieces that the system has not taken, in turn. */
  readonly #lengths: number[] = [];

  constructor(socket: Socket, stream: StreamedBody) {
    this.#socket = socket;
    this.#stream = stream;
  }

  piece(bytes: Buffer): void {
    this.#lengths.push(bytes.length);
    this.#socket.write(bytes, this.#taken);
  }

  over(fault?: Fault): void {
    if (fault) this.#socket.destroy();
    else this.#socket.destroySoon(); // what the client still sends goes nowhere
  }

  readonly #taken = (error?: Error | null): void => {
    const bytes = this.#lengths.shift() ?? 0;
    if (!error) this.#stream.passed(bytes);
  };
}
