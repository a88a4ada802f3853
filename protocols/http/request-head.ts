import type {PassedRequest} from '../../src/passing.ts';
import type {RuntimeCall} from '../../src/runtime.ts';
import {isText} from './field-lines.ts';

/** @returns writes the head of a request, as latin1 text of its bytes. What is the same in all of them is written once, here */
export function headWriter(token: string) {
  const last = `Core-Bridge-Token: ${token}\r\n\r\n`;
  const lastThatKeeps = `Core-Bridge-Token: ${token}\r\nConnection: keep-alive\r\n\r\n`;
  return function writeHead({invocationId, deadlineMs, trace}: RuntimeCall, {method, target, headers, body}: PassedRequest): string {
    let head = `${method} ${target} HTTP/1.1\r\n`;
    let hasLength = false;
    let hasConnection = false;
    for (let index = 0; index < headers.length; index += 2) {
      const name = headers[index] as string; // the index stays within the list
      if (name.length === 14) hasLength ||= name.toLowerCase() === 'content-length';
      else if (name.length === 10) hasConnection ||= name === 'Connection'; // it is one of ours: a caller's has not come so far
      head += `${name}: ${headers[index + 1]}\r\n`;
    }
    if (trace) head += `traceparent: ${trace.traceparent}\r\n`;
    // A message may bring one with any text.
    if (trace?.tracestate && isText(trace.tracestate, 0, trace.tracestate.length)) head += `tracestate: ${trace.tracestate}\r\n`;
    // RFC 9110 §8.6 has a length in such a request, though it has no body.
    if (body === undefined && !hasLength && !unframed.has(method)) head += 'Content-Length: 0\r\n';
    return `${head}Core-Invocation-Id: ${invocationId}\r\nCore-Deadline-Ms: ${deadlineMs}\r\n${hasConnection ? last : lastThatKeeps}`;
  };
}

/** Methods whose requests have no body unless they say so. */
const unframed: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE']);
