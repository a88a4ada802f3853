import type {InvocationResult} from '../delivery.ts';
import type {Fault} from '../errors.ts';

/** What every answer carries unless the handler says otherwise. */
export const defaultHeaders = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Headers': 'Content-Type',
} as const;

/**
Makes the answer to a fault: its text, ending in a newline, or RFC 9457 for a caller that accepts it.

@param accept the caller's Accept field
*/
export function faultResult(fault: Fault, invocationId: string, accept: string): InvocationResult {
  const asProblem = /application\/problem\+json(?!\s*;\s*q=0(\.0+)?\s*(,|$))/i.test(accept);
  const headers = Object.entries(defaultHeaders).flat();
  headers.push('Content-Type', asProblem ? 'application/problem+json' : 'text/plain; charset=utf-8');
  headers.push('X-Content-Type-Options', 'nosniff', 'Core-Invocation-Id', invocationId, 'Core-Error', fault.code);
  if (fault.status === 401) headers.push('WWW-Authenticate', 'Bearer');
  if (fault.status === 405) headers.push('Allow', fault.allow ?? 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE');
  if (fault.retryAfterS !== undefined) headers.push('Retry-After', String(fault.retryAfterS));
  const body = asProblem ? `${JSON.stringify(problem(fault, invocationId))}\n` : `${fault.message}\n`;
  return {status: fault.status, headers, body, fault};
}

/** RFC 9457 §3.1. */
function problem(fault: Fault, invocationId: string) {
  return {type: 'about:blank', title: fault.code, status: fault.status, detail: fault.message, invocationId};
}
