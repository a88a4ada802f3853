import {randomUUIDv7} from 'node:crypto';
import {type IncomingMessage, type ServerResponse, STATUS_CODES} from 'node:http';
import type {Socket} from 'node:net';
import type {Fault} from '../../src/errors.ts';
import {defaultHeaders, faultResult} from '../../src/http/answer.ts';
import type {House, InvocationResult} from '../../src/trigger.ts';
import {breakOff} from './body.ts';
import {endRequests} from './connection.ts';
import type {Edge} from './delivery.ts';
import {malformed} from './malformed.ts';
import {writeRaw, writeResult} from './wire.ts';

/** Answers a request that becomes no delivery. It is the last of its connection. */
export function refuse(request: IncomingMessage, response: ServerResponse, fault: Fault, {meter, clock}: House, {readers}: Edge): void {
  meter.requestStarted();
  meter.faulted(fault.code);
  meter.requestEnded(request.method ?? '', fault.status, 0);
  writeResult(request, response, faultResult(fault, randomUUIDv7(), request.headers.accept ?? ''), {close: true, clock, readers});
}

/**
Refuses bytes that became no request. A request before them on the same connection gets its own answer first; one whose
body they were to be is answered with the fault.
*/
export function refuseRaw(socket: Socket, fault: Fault, {meter, clock}: House): void {
  const before = endRequests(socket);
  if (before === false) return;
  if (before && !before.req.complete) breakOff(before.req, fault);
  else if (before && !before.writableFinished && !before.destroyed) before.once('close', write);
  else write();

  function write() {
    meter.requestStarted();
    meter.faulted(fault.code);
    meter.requestEnded('', fault.status, 0);
    writeRaw(socket, faultResult(fault, randomUUIDv7(), ''), STATUS_CODES[fault.status] ?? '', clock);
  }
}

/** `OPTIONS *` asks about the server, not about the function. */
export function answerAsterisk(request: IncomingMessage, response: ServerResponse, house: House, edge: Edge): void {
  if (request.method !== 'OPTIONS') {
    refuse(request, response, malformed('the target * is for OPTIONS only'), house, edge);
    return;
  }
  const result: InvocationResult = {
    status: 200,
    headers: [...Object.entries(defaultHeaders).flat(), 'Core-Invocation-Id', randomUUIDv7()],
    body: '',
  };
  house.meter.requestStarted();
  house.meter.requestEnded('OPTIONS', 200, 0);
  const leaving = {bytes: 0, left: () => edge.turns.end(request)};
  writeResult(request, response, result, {close: edge.isClosing(), clock: house.clock, readers: edge.readers, leaving});
}
