import test from 'ava';
import {figureNames} from '../../src/observe/metrics/figures.ts';
import {Recent} from '../../src/observe/recent/recent.ts';
import {openPrivate} from '../helpers/admin.ts';
import {ManualClock} from '../helpers/clock.ts';
import {processOf} from '../helpers/metrics.ts';
import {ask} from '../helpers/request.ts';

test('a window that is not kept is refused, with those that are', async t => {
  const {url} = await openPrivate(t);
  for (const window of ['2h', '', 'constructor']) {
    const answer = await ask(`${url}/api/history?window=${window}`);
    t.is(answer.status, 400);
    t.is(answer.json().error.message, 'window: expected one of 1h, 1m');
  }
});

test('without the token nobody sees what the core does', async t => {
  const {url} = await openPrivate(t, {token: 'secret'});
  for (const path of ['/api/now', '/api/history']) t.is((await ask(url + path)).status, 403);
});

test('what the core does now, and what it did', async t => {
  const clock = new ManualClock();
  const process = processOf();
  const recent = new Recent({clock, families: async () => [await process.some(figureNames)]});
  t.teardown(() => recent[Symbol.dispose]());
  const {url} = await openPrivate(t, {recent, clock, readiness: () => ({ready: false, phase: 'broken', cause: 'no such module'})});
  await ask(`${url}/api/now`);
  process.meter.requestStarted();
  process.meter.requestEnded('GET', 502, 0.003);
  process.meter.invocationEnded('http', 'error', 0.003);
  await clock.advance(1000);
  const answer = await ask(`${url}/api/now`);
  t.is(answer.field('cache-control'), 'no-store');
  const now = answer.json();
  t.is(now.at, '2026-01-01T00:00:01.000Z');
  t.deepEqual(now.rates, {requests: 1, errors: 1, invocations: 1, failures: 1, overMs: 1000});
  t.true(now.times.p50Ms > 2.5 && now.times.p50Ms <= 5);
  t.deepEqual(now.readiness, {ready: false, phase: 'broken', cause: 'no such module'});
  t.like(now.function, {name: 'greet', handler: '/srv/handler.js', language: 'node'});
  t.deepEqual(now.queue, {waiting: 0, inFlight: 0, longest: 1000});
  t.deepEqual(now.subRuntimes, {ready: 2, wanted: 1});
  t.true(now.memory.coreBytes > 2 ** 20);
  t.is(now.memory.functionBytes, 1000);
  t.is(now.totals.errors, 1);
  const minute = (await ask(`${url}/api/history?window=1m`)).json();
  t.deepEqual([minute.stepMs, minute.columns.at, minute.columns.requests], [1000, [Date.UTC(2026, 0, 1) / 1000 + 1], [1]]);
  t.deepEqual((await ask(`${url}/api/history`)).json().columns.at, []);
});
