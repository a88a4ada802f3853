import type {IncomingMessage, ServerResponse} from 'node:http';
import type {Socket} from 'node:net';
import {atTurnEnd, type Clock} from '../../src/clock.ts';
import type {InvocationResult} from '../../src/trigger.ts';
import {hasBody} from './body.ts';
import {endsConnection} from './connection.ts';

/** How long a refused client's unread bytes are taken in, so that closing does not reset the answer away. */
const lingerMs = 1000;
/** How long a client may take nothing of its answer; Node looks twice, so it becomes twice that at most. */
const stalledMs = 15_000;

export interface WriteOptions {
  /** The connection ends with this answer, or with that to the newest request that is already being served. */
  readonly close: boolean;
  /** Others are served meanwhile: the answer leaves together with theirs. */
  readonly isBusy?: boolean;
  readonly clock: Clock;
  /** Where the answer is kept while some of it waits to be read. */
  readonly leaving?: Set<ServerResponse>;
}

/** Writes an answer. The core computes the framing; length last. */
export function writeResult(
  request: IncomingMessage,
  response: ServerResponse,
  result: InvocationResult,
  {close, isBusy = false, clock, leaving}: WriteOptions,
): void {
  if (response.headersSent || response.destroyed) return;
  const {status, body} = result;
  const isUnread = !request.complete && hasBody(request);
  const isBodyless = status === 204 || status === 205 || status === 304;
  const headers = [...result.headers];
  if (endsConnection(response, close || isUnread)) headers.push('Connection', 'close');
  if (status === 205) headers.push('Content-Length', '0');
  else if (!isBodyless) headers.push('Content-Length', String(typeof body === 'string' ? Buffer.byteLength(body) : body.length));
  response.writeHead(status, headers);
  const content = isBodyless || request.method === 'HEAD' ? '' : wireBody(body, result.headers);
  if (isUnread) endAfterLinger(request, response, content, clock);
  else if (isBusy) endAtTurnEnd({response, content, leaving});
  else end({response, content, leaving});
}

interface Ending {
  readonly response: ServerResponse;
  readonly content: string | Buffer;
  readonly leaving: Set<ServerResponse> | undefined;
}

function end({response, content, leaving}: Ending): void {
  response.end(content);
  limitStall(response);
  if (!leaving || response.writableFinished || response.destroyed) return;
  leaving.add(response);
  response.once('close', () => leaving.delete(response));
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

/** Node closes a connection that stands still for so long. */
function limitStall(response: ServerResponse): void {
  const {socket} = response;
  if (!socket)
    response.once('socket', limit); // it waits behind another answer
  else if (socket.writableLength > 0) limit(socket);

  function limit(socket: Socket): void {
    socket.setTimeout(stalledMs);
    response.prependOnceListener('finish', () => socket.setTimeout(0)); // before Node sets the time to be idle
  }
}

/** Node writes a text body and the head as one UTF-8 text; bytes in the head beyond ASCII need a body in bytes. */
function wireBody(body: string | Buffer, headers: readonly string[]): string | Buffer {
  return typeof body === 'string' && headers.some(isBeyondAscii) ? Buffer.from(body) : body;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant
const isBeyondAscii = (field: string) => /[^\x00-\x7f]/.test(field);

/** The whole answer leaves at once; the connection ends when the client has sent everything, or a second later. */
function endAfterLinger(request: IncomingMessage, response: ServerResponse, content: string | Buffer, clock: Clock): void {
  if (content.length > 0) response.write(content);
  else response.flushHeaders();
  limitStall(response);
  const {socket} = request;
  if (socket.readableEnded) {
    response.end();
    return;
  }
  const end = () => {
    stopTimer();
    socket.off('end', end);
    response.end();
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
