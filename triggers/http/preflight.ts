import type {IncomingMessage} from 'node:http';
import type {InvocationResult} from '../../src/delivery.ts';
import {defaultHeaders} from '../../src/http/answer.ts';

/**
The reply to a CORS preflight; undefined for any other request. A preflight carries no token, and the caller of a private
function must still learn that it may send one.

@see the Fetch standard, CORS protocol
*/
export function preflightReply({method, headers}: IncomingMessage): InvocationResult | undefined {
  const isPreflight = method === 'OPTIONS' && headers.origin !== undefined && headers['access-control-request-method'] !== undefined;
  return isPreflight ? allowed : undefined;
}

/** Without the id of the invocation: the stage that sends it adds that. */
const allowed: InvocationResult = {
  status: 204,
  headers: Object.entries({
    ...defaultHeaders,
    'Access-Control-Allow-Headers': 'Content-Type, Authorization, X-Auth-Token, SCW-Functions-Token',
    'Access-Control-Allow-Methods': 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS',
    'Access-Control-Max-Age': '600',
  }).flat(),
  body: '',
};
