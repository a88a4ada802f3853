import {randomUUIDv7} from 'node:crypto';
import type {ServerResponse} from 'node:http';
import type {Socket} from 'node:net';
import type {Clock} from '../../src/clock.ts';
import type {InvocationResult} from '../../src/delivery.ts';
import type {Fault} from '../../src/errors.ts';
import {defaultHeaders, faultResult} from '../../src/http/answer.ts';
import {nodeHttp} from '../../src/http/node-http.ts';
import type {House} from '../../src/trigger.ts';
import {connectionOf} from './connection.ts';
import type {Edge} from './edge.ts';
import {malformed} from './guard.ts';
import {writeLast} from './last-words.ts';
import {type Leaving, unwatched} from './readers.ts';

/** Answers a request that does not become a delivery. It is the last one of its connection. */
export function refuse(response: ServerResponse, fault: Fault, {meter}: House, {replies}: Edge, leaving = unwatched): void {
  const {method = '', headers} = response.req;
  meter.requestStarted();
  meter.faulted(fault.code);
  meter.requestEnded(method, fault.status, 0);
  replies.write(response, faultResult(fault, randomUUIDv7(), headers.accept ?? ''), {close: true, leaving});
}

/** The same for a request whose turn had come: when the reply has left, it is the turn of the next. */
export function refuseInTurn(response: ServerResponse, fault: Fault, house: House, edge: Edge): void {
  refuse(response, fault, house, edge, turnOf(response));
}

function turnOf({req}: ServerResponse): Leaving {
  const connection = connectionOf(req.socket);
  return {bytes: 0, left: () => connection.replyLeft()};
}

/**
Refuses bytes that did not become a request. A request before them on the same connection gets its own reply first. When
they were to be the body of that request, it gets the fault as its reply.
*/
export function refuseRaw(socket: Socket, fault: Fault, {meter, clock}: House): void {
  const connection = connectionOf(socket);
  const before = connection.endRequests();
  if (before === false) return;
  if (before && !before.req.complete) connection.breakOff(fault);
  else if (before && !before.writableFinished && !before.destroyed) before.once('close', write);
  else write();

  function write() {
    meter.requestStarted();
    meter.faulted(fault.code);
    meter.requestEnded('', fault.status, 0);
    writeRaw(socket, faultResult(fault, randomUUIDv7(), ''), nodeHttp.STATUS_CODES[fault.status] ?? '', clock);
  }
}

/** Writes a reply without Node's help, which needs a request: the parser refused the bytes, or the method was CONNECT. */
function writeRaw(socket: Socket, {status, headers, body}: InvocationResult, reason: string, clock: Clock): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const lines = [`HTTP/1.1 ${status} ${reason}`];
  for (let index = 0; index < headers.length; index += 2) lines.push(`${headers[index]}: ${headers[index + 1]}`);
  lines.push('Connection: close', `Content-Length: ${Buffer.byteLength(body)}`, '', '');
  writeLast(socket, lines.join('\r\n') + body, clock);
}

/** `OPTIONS *` asks about the server, not about the function. */
export function answerAsterisk(response: ServerResponse, house: House, edge: Edge): void {
  if (response.req.method !== 'OPTIONS') {
    refuseInTurn(response, malformed('the target * is for OPTIONS only'), house, edge);
    return;
  }
  const result: InvocationResult = {
    status: 200,
    headers: [...Object.entries(defaultHeaders).flat(), 'Core-Invocation-Id', randomUUIDv7()],
    body: '',
  };
  house.meter.requestStarted();
  house.meter.requestEnded('OPTIONS', 200, 0);
  edge.replies.write(response, result, {close: edge.isClosing, leaving: turnOf(response)});
}
