import type {IncomingMessage, ServerResponse} from 'node:http';
import type {Socket} from 'node:net';
import {atTurnEnd, type Clock} from '../../src/clock.ts';
import type {InvocationResult} from '../../src/trigger.ts';
import {hasBody} from './body.ts';
import {endsConnection} from './connection.ts';
import type {Leaving, Readers} from './leaving.ts';

/** How long a refused client's unread bytes are taken in, so that closing does not reset the answer away. */
const lingerMs = 1000;
/** From this size on a text is written as bytes: the text is memory, too, and Node would make the bytes later. */
const largeText = 64 * 2 ** 10;

export interface WriteOptions {
  /** The connection ends with this answer, or with that to the newest request that is already being served. */
  readonly close: boolean;
  /** Others are served meanwhile: the answer leaves together with theirs. */
  readonly isBusy?: boolean;
  readonly clock: Clock;
  readonly readers: Readers;
  /** Who wants to know when the answer has left. */
  readonly leaving?: Leaving;
}

/** Writes an answer. The core computes the framing; length last. */
export function writeResult(
  request: IncomingMessage,
  response: ServerResponse,
  result: InvocationResult,
  {close, isBusy = false, clock, readers, leaving = nobody}: WriteOptions,
): void {
  if (response.headersSent || response.destroyed) {
    leaving.left();
    return;
  }
  const {status, body} = result;
  const isUnread = !request.complete && hasBody(request);
  const isBodyless = status === 204 || status === 205 || status === 304;
  const headers = [...result.headers];
  if (endsConnection(response, close || isUnread)) headers.push('Connection', 'close');
  if (status === 205) headers.push('Content-Length', '0');
  else if (!isBodyless) headers.push('Content-Length', String(typeof body === 'string' ? Buffer.byteLength(body) : body.length));
  response.writeHead(status, headers);
  const content = isBodyless || request.method === 'HEAD' ? '' : wireBody(body, result.headers);
  const answer = {response, content, readers, leaving};
  if (isUnread) endAfterLinger(request, answer, clock);
  else if (isBusy) endAtTurnEnd(answer);
  else end(answer);
}

interface Ending {
  readonly response: ServerResponse;
  readonly content: string | Buffer;
  readonly readers: Readers;
  readonly leaving: Leaving;
}

/** Where nobody wants to know. */
const nobody: Leaving = {bytes: 0, left() {}};

function end({response, content, readers, leaving}: Ending): void {
  response.end(content);
  readers.follow(response, leaving);
}

const ending: Ending[] = [];

/**
Every write to a client that sleeps wakes it, and on few cores it then takes the place of whoever woke it. Written one
after the other the answers of one turn wake it once: a tenth of the throughput at 32 connections.
*/
function endAtTurnEnd(answer: Ending): void {
  if (ending.push(answer) === 1) atTurnEnd(endAll);
}

function endAll(): void {
  for (const answer of ending.splice(0)) end(answer);
}

/** Node writes a text body and the head as one UTF-8 text; bytes in the head beyond ASCII need a body in bytes. */
function wireBody(body: string | Buffer, headers: readonly string[]): string | Buffer {
  return typeof body === 'string' && (body.length > largeText || headers.some(isBeyondAscii)) ? Buffer.from(body) : body;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant
const isBeyondAscii = (field: string) => /[^\x00-\x7f]/.test(field);

/** The whole answer leaves at once; the connection ends when the client has sent everything, or a second later. */
function endAfterLinger(request: IncomingMessage, {response, content, readers, leaving}: Ending, clock: Clock): void {
  if (content.length > 0) response.write(content);
  else response.flushHeaders();
  const {socket} = request;
  if (socket.readableEnded) {
    response.end();
    readers.follow(response, leaving);
    return;
  }
  const end = () => {
    stopTimer();
    socket.off('end', end);
    response.end();
    readers.follow(response, leaving);
  };
  const stopTimer = clock.after(lingerMs, end);
  request.once('end', end);
  request.once('error', end);
  request.once('close', end);
  socket.once('end', end); // the client has ended its side: nothing more comes
  request.resume();
}

/** Answers where there is no request to answer: the parser refused the bytes, or the method was CONNECT. */
export function writeRaw(socket: Socket, {status, headers, body}: InvocationResult, reason: string, clock: Clock): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const lines = [`HTTP/1.1 ${status} ${reason}`];
  for (let index = 0; index < headers.length; index += 2) lines.push(`${headers[index]}: ${headers[index + 1]}`);
  lines.push('Connection: close', `Content-Length: ${Buffer.byteLength(body)}`, '', '');
  socket.end(lines.join('\r\n') + body);
  const stopTimer = clock.after(lingerMs, () => socket.destroy());
  socket.once('close', stopTimer);
  socket.resume();
}
