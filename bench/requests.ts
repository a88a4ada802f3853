import {systemClock} from '../src/clock.ts';
import type {RuntimeCall} from '../src/runtime.ts';
import type {Load} from './load.ts';
import type {Server} from './servers.ts';

/** What a client sends to such a server: nothing, or a text of so many bytes. A call holds what the core would send for it. */
export function requestTo({url, pids, takes}: Server, bytes = 0): Pick<Load, 'url' | 'pids' | 'method' | 'headers' | 'body'> {
  if (takes === 'calls') return {url, pids, method: 'POST', headers: {'Content-Type': 'application/json'}, body: sampleCall(bytes)};
  if (bytes === 0) return {url, pids, headers: {Accept: '*/*'}};
  return {url, pids, method: 'POST', headers: {'Content-Type': 'text/plain'}, body: textOf(bytes)};
}

const textOf = (bytes: number) => 'The quick brown fox jumps over the lazy dog.\n'.repeat(Math.ceil(bytes / 45)).slice(0, bytes);

/** The same as the core gives it to its hop, each time it is asked for. */
export function sampleRuntimeCall(bytes: number): () => RuntimeCall {
  const {
    event: {body, isBase64Encoded: _, ...event},
    context: {trace: __, ...context},
  } = JSON.parse(sampleCall(bytes));
  const start = JSON.stringify({event}).slice(0, -2);
  const written = {
    start,
    body: Buffer.from(body),
    form: 'text',
    context: `,${JSON.stringify({context}).slice(1, -2)},"trace":`,
    handler: ',"handlerPath":"/f","handlerName":"handle"',
  } as const;
  const call = {invocationId: context.invocationId, event: written, timeoutMs: 60_000, signal: undefined, trace: undefined};
  return () => ({...call, deadlineMs: 0, deadline: systemClock.monotonic() + 60_000});
}

/** A call as the core sends it over HTTP: for a GET, or for a POST of this many bytes. */
export function sampleCall(bytes: number): string {
  const method = bytes === 0 ? 'GET' : 'POST';
  const requestId = '01a2068b-f0ed-7c75-9692-646cebce9a7c';
  const headers = {Host: 'localhost', Accept: '*/*', ...(bytes > 0 && {'Content-Type': 'text/plain'})};
  const context = {functionName: '', functionVersion: '', memoryInMb: 128, memoryLimitInMb: 128};
  const event = {
    ...{resource: 'http', path: '/', httpMethod: method, headers},
    multiValueHeaders: Object.fromEntries(Object.entries(headers).map(([field, value]) => [field, [value]])),
    ...{queryStringParameters: {}, multiValueQueryStringParameters: {}, pathParameters: {}, stageVariables: null},
    requestContext: {
      ...{accountId: '', resourceId: '', apiId: '', resourcePath: '', authorizer: null, stage: 'dev', eventType: 'http'},
      ...{httpMethod: method, path: '/', requestId, identity: {sourceIp: '127.0.0.1'}},
    },
    ...{body: textOf(bytes), isBase64Encoded: false},
  };
  return JSON.stringify({
    event,
    context: {...context, invocationId: requestId, deadlineMs: 0, trace: {}},
    handlerPath: '/f',
    handlerName: 'handle',
  });
}
