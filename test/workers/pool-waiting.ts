import {getEventListeners} from 'node:events';
import test from 'ava';
import {Fault} from '../../src/errors.ts';
import {at, finish, isPending, never, openPool, openReady} from '../helpers/pool.ts';

test('a caller that waits for a busy sub-runtime is refused after the longest wait, not before', async t => {
  const {pool, clock} = openReady({concurrency: 1});
  await pool.lease(never);
  const waiting = pool.lease(never);
  await clock.advance(9999);
  t.true(await isPending(waiting));
  await Promise.all([t.throwsAsync(waiting, {code: 'POOL_BUSY'}), clock.advance(1)]);
  t.is(clock.pending, 0);
});

test('a caller that waits for the start is refused when it takes too long', async t => {
  const {pool, clock} = openPool();
  const waiting = pool.lease(never);
  await clock.advance(59_999);
  t.true(await isPending(waiting));
  const [fault] = await Promise.all([t.throwsAsync(waiting, {code: 'POOL_NOT_READY'}), clock.advance(1)]);
  t.is(fault?.message, 'The sub-runtime was not ready within 60000 ms');
  t.is((fault as Fault | undefined)?.retryAfterS, 1);
});

test('a wait that the deadline ends is a 504 that names the limit, before or after the start', async t => {
  const {pool, clock} = openPool();
  await clock.advance(500);
  const waiting = pool.lease(at(1500));
  await clock.advance(999);
  t.true(await isPending(waiting));
  const [fault] = await Promise.all([t.throwsAsync(waiting, {instanceOf: Fault, code: 'UPSTREAM_TIMEOUT'}), clock.advance(1)]);
  t.is(fault?.message, 'No sub-runtime was free to answer within 5000 ms');
  t.is((fault as Fault | undefined)?.status, 504);
  t.is((fault as Fault | undefined)?.reached, false, 'nobody was called');
  const ready = openReady({concurrency: 1});
  await ready.pool.lease(never);
  await Promise.all([t.throwsAsync(ready.pool.lease(at(300)), {code: 'UPSTREAM_TIMEOUT'}), ready.clock.advance(300)]);
  t.is(clock.pending + ready.clock.pending, 0);
});

test('a deadline that has passed is reported at once', async t => {
  const {pool, clock} = openReady();
  await clock.advance(500);
  await t.throwsAsync(pool.lease(at(500)), {code: 'UPSTREAM_TIMEOUT'});
});

test('a signal that outlives its calls is not watched for those that wait no longer', async t => {
  const {pool, clock} = openReady({concurrency: 1});
  const held = await pool.lease(never);
  const {signal} = new AbortController();
  const [given, late] = [pool.lease(never, signal), pool.lease(at(300), signal)];
  t.is(getEventListeners(signal, 'abort').length, 2);
  finish(held);
  await given;
  await Promise.all([t.throwsAsync(late, {code: 'UPSTREAM_TIMEOUT'}), clock.advance(300)]);
  t.is(getEventListeners(signal, 'abort').length, 0);
});

test('a caller that has left does not wait any more, and does not begin to wait', async t => {
  const {pool, clock, meter} = openReady({concurrency: 1});
  const held = await pool.lease(never);
  const caller = new AbortController();
  const waiting = pool.lease(never, caller.signal);
  caller.abort();
  await t.throwsAsync(waiting, {code: 'CALLER_LEFT'});
  await t.throwsAsync(pool.lease(never, caller.signal), {code: 'CALLER_LEFT'});
  t.deepEqual(meter.calls, [
    ['queued', 1],
    ['dequeued', 0, 0],
  ]);
  t.is(clock.pending, 0);
  finish(held);
  t.false(await isPending(pool.lease(never)));
});

test('a pool that refuses turns away callers that wait and callers that come, with the reason, until it admits again', async t => {
  const {pool, clock, member} = openPool();
  const waiting = [pool.lease(never), pool.lease(never)];
  t.is(
    pool.refuse(() => new Fault('POOL_GAVE_UP', {retryAfterS: 60})),
    2,
  );
  for (const lease of waiting) await t.throwsAsync(lease, {code: 'POOL_GAVE_UP'});
  await t.throwsAsync(pool.lease(never), {code: 'POOL_GAVE_UP'});
  pool.add(member());
  await t.throwsAsync(pool.lease(never), {code: 'POOL_GAVE_UP'});
  pool.admit();
  t.false(await isPending(pool.lease(never)));
  t.is(clock.pending, 0);
});
