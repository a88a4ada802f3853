import type {InvocationResult} from '../../src/delivery.ts';
import {defaultHeaders} from '../../src/http/answer.ts';

/** The result for a trigger that only wants to know whether the call went well. */
export function executedResult(id: string): InvocationResult {
  const headers = Object.entries(defaultHeaders).flat();
  headers.push('Content-Type', 'text/plain; charset=utf-8', 'Core-Invocation-Id', id);
  return {status: 200, headers, body: 'executed properly'};
}
