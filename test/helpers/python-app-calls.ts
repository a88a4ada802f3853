import {setTimeout} from 'node:timers/promises';
import type {ExecutionContext} from 'ava';
import {type Bridge, type BridgeOptions, runOf} from './bridge.ts';
import {type Python, startPython} from './python-suite.ts';

/* What the suites of applications of Python have in common. */

export const event = {
  httpMethod: 'PUT',
  path: '/environ',
  headers: {Host: 'example.com:8080', 'Content-Type': 'text/plain', 'X-A': '1,é'},
  multiValueHeaders: {Host: ['example.com:8080'], 'Content-Type': ['text/plain'], 'X-A': ['1', 'é'], X_A: ['spoofed']},
  queryStringParameters: {q: 'b c', é: '&'},
  multiValueQueryStringParameters: {q: ['a', 'b c'], é: ['&']},
  requestContext: {identity: {sourceIp: '192.0.2.7'}},
  body: 'héllo',
  isBase64Encoded: false,
};
export const query = 'q=a&q=b+c&%C3%A9=%26';

/** Starts the bridge with the application `app` of this text. */
export const startApp = (t: ExecutionContext, python: Python, text: string, more: Partial<BridgeOptions> = {}) =>
  startPython(t, python, text, {name: 'app', ...more});

/** Leaves a call in the middle of its endless body; over HTTP it ends by its size. */
export async function leave(t: ExecutionContext, b: Bridge, path: string): Promise<void> {
  if (!b.calls) {
    t.regex((await b.call({...event, path})).text, /cannot be gathered/);
    return;
  }
  const call = b.calls.begin(runOf({...event, path}), {credit: 'none'});
  while (call.received < call.allowed) await setTimeout(5);
  b.calls.cancel(call);
  t.not((await call.outcome).kind, 'failed');
}

export const printed = (b: Bridge, line: string, times: number) =>
  b.until(() => b.logs.filter(each => each.line === line).length === times);

/** The body of a reply, whether it left as text or as bytes. */
export function bodyOf(json: string): string {
  const {body, isBase64Encoded} = JSON.parse(json);
  return isBase64Encoded ? Buffer.from(body, 'base64').toString() : body;
}
