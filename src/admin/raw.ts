import type {Socket} from 'node:net';
import {survive, writeLast} from '../../triggers/http/last-words.ts';
import type {Clock} from '../clock.ts';
import {nodeHttp} from '../http/node-http.ts';
import type {Log} from '../log.ts';
import {Refusal, type RefusalCode} from '../route.ts';
import {failureBody} from './failure.ts';
import {isAnswering} from './turns.ts';

export interface RawHouse {
  readonly log: Log;
  readonly clock: Clock;
}

/**
Refuses bytes that Node's parser made no request of, in the shape of every error. While another answer leaves on the same
connection it can only end the connection: the refusal would stand in the middle of that answer.
*/
export function refuseBytes(error: NodeJS.ErrnoException, socket: Socket, house: RawHouse): void {
  if (error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const [code, message] = refusals[error.code ?? ''] ?? (['BAD_REQUEST', 'the request is malformed'] as const);
  refuseSocket(new Refusal(code, message), socket, house);
}

const refusals: Readonly<Record<string, readonly [RefusalCode, string]>> = {
  HPE_HEADER_OVERFLOW: ['HEAD_TOO_LARGE', 'the head of the request is too large'],
  ERR_HTTP_REQUEST_TIMEOUT: ['REQUEST_TIMEOUT', 'the request was not received in time'],
};

/** CONNECT asks for a tunnel. Node hands over the bare connection, without a response to write to. */
export function refuseTunnel(socket: Socket, house: RawHouse): void {
  survive(socket);
  refuseSocket(
    new Refusal('METHOD_NOT_ALLOWED', 'expected GET, HEAD, POST or DELETE', {headers: {Allow: 'GET, HEAD, POST, DELETE'}}),
    socket,
    house,
  );
}

function refuseSocket({status, code, message, headers}: Refusal, socket: Socket, {log, clock}: RawHouse): void {
  log.debug({code, cause: message}, 'Refused on the private listener');
  if (!socket.writable || isAnswering(socket)) {
    socket.destroy();
    return;
  }
  const body = failureBody(code, message);
  const head = [
    `HTTP/1.1 ${status} ${nodeHttp.STATUS_CODES[status]}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  writeLast(socket, `${head.join('\r\n')}\r\n\r\n${body}`, clock);
}
