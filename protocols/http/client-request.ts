import type {ClientRequest} from 'node:http';
import {nodeHttp} from '../../src/http/node-http.ts';
import type {PassedRequest} from '../../src/passing.ts';
import type {RuntimeCall} from '../../src/runtime.ts';
import type {HopHouse} from './house.ts';

/** The head of an answer may be as large as that of a request. */
const mostHeadBytes = 2 ** 20;

/** Makes the request to the server. Its head leaves with the first bytes of its body, or with its end. */
export function openRequest({options, connections}: HopHouse, call: RuntimeCall, sent: PassedRequest): ClientRequest {
  const {host, port, bridgeToken} = options;
  // Not by `request`, which OpenTelemetry's instrumentation replaces: the stages have a span for the call already.
  const request = new nodeHttp.ClientRequest({
    agent: connections,
    host,
    port,
    method: sent.method,
    path: sent.target,
    headers: headersOf(call, sent, bridgeToken),
    setHost: false,
    maxHeaderSize: mostHeadBytes,
  });
  request.maxHeadersCount = 0; // their size is bounded; past a number, Node would leave some out
  return request;
}

function headersOf({invocationId, deadlineMs, trace}: RuntimeCall, {method, headers, body}: PassedRequest, token: string): string[] {
  const all = headers.concat('Core-Invocation-Id', invocationId, 'Core-Deadline-Ms', String(deadlineMs), 'Core-Bridge-Token', token);
  if (trace) all.push('traceparent', trace.traceparent);
  if (trace?.tracestate) all.push('tracestate', trace.tracestate);
  // Node would send chunks. RFC 9110 §8.6 has a length in such a request.
  if (body === undefined && !unframed.has(method) && !hasLength(headers)) all.push('Content-Length', '0');
  return all;
}

/** Methods to whose requests without a body Node adds nothing. */
const unframed: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE']);

const hasLength = (headers: readonly string[]) => headers.some((name, index) => index % 2 === 0 && name.toLowerCase() === 'content-length');
