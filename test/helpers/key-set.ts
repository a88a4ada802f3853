import {generateKeyPairSync, type KeyObject} from 'node:crypto';
import {once} from 'node:events';
import http, {type RequestListener} from 'node:http';
import type {AddressInfo} from 'node:net';
import type {ExecutionContext} from 'ava';
import {openKeySet} from '../../src/http/key-set/key-set.ts';
import {ManualClock} from './clock.ts';
import {recordingLog, recordingMeter} from './fakes.ts';

export const pair = (bits = 2048) => generateKeyPairSync('rsa', {modulusLength: bits});
export const [first, second, third] = [pair(), pair(), pair()];
export const jwk = (key: KeyObject, more: object = {}) => ({...key.export({format: 'jwk'}), ...more});

export type Found = Awaited<ReturnType<ReturnType<typeof openKeySet>['find']>>;
export const same = (t: ExecutionContext, found: Found, key: KeyObject) => t.true(typeof found === 'object' && found.key.equals(key));

/** A key set on a server of the test's own; `answer` may be replaced. */
export async function keySet(
  t: ExecutionContext,
  keys: unknown,
  {fallback, maxAgeMs = 3_600_000}: {fallback?: KeyObject; maxAgeMs?: number} = {},
) {
  const served = {
    requests: 0,
    answer: ((_request, response) => response.end(JSON.stringify({keys}))) as RequestListener,
  };
  const server = http.createServer((request, response) => {
    served.requests++;
    served.answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const clock = new ManualClock();
  const log = recordingLog();
  const meter = recordingMeter();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
  const set = openKeySet({url, fallback, maxAgeMs, env: {}, clock, log, meter});
  return {
    served,
    clock,
    log,
    server,
    meter,
    /** Seconds, as the metric says it. */
    age: (meter.calls.find(([name]) => name === 'keySetAge') as [string, () => number])[1],
    /** Finds keys for RS256 unless told otherwise. */
    set: {find: (keyId: string | undefined, algorithm: string | undefined = 'RS256') => set.find(keyId, algorithm)},
    serve: (next: unknown[]) => {
      served.answer = (_request, response) => response.end(JSON.stringify({keys: next}));
    },
  };
}

/** Answers that got does not try again. */
export const refusing: RequestListener = (_request, response) => response.writeHead(403).end();
