import type {IncomingMessage} from 'node:http';
import type {Holder, RequestInput} from '../../src/delivery.ts';
import {rawTarget, type Target} from './target.ts';

export interface WholeInputOptions {
  readonly eventType: string;
  readonly target: Target;
  readonly sourceIp: string;
  readonly holder: Holder;
}

/** Makes the input of a request whose body was read, or that has none. What another trigger has sent is a POST to `/`, and only its outcome is wanted. */
export function wholeInput(request: IncomingMessage, body: Buffer, {eventType, target, sourceIp, holder}: WholeInputOptions): RequestInput {
  const isHttp = eventType === 'http';
  const {path, query, origin} = target;
  return {
    shape: 'request',
    eventType,
    reply: isHttp ? 'http' : 'outcome',
    method: isHttp ? (request.method ?? '') : 'POST',
    ...(isHttp ? {path, query, target: rawTarget(origin)} : {path: '/', query: ''}),
    headers: request.rawHeaders,
    body,
    sourceIp,
    holder,
  };
}
