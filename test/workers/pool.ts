import test from 'ava';
import {Fault} from '../../src/errors.ts';
import {NotSent, type RuntimeCall, type RuntimeReply} from '../../src/runtime.ts';
import {Pool, type PoolOptions} from '../../src/workers/pool.ts';
import type {Upstream} from '../../src/workers/upstream.ts';
import {ManualClock, settle} from '../helpers/clock.ts';
import {recordingMeter, runtimeReply} from '../helpers/fakes.ts';

const options: PoolOptions = {
  concurrency: 2,
  queueLength: 3,
  queueWaitMs: 10_000,
  startTimeoutMs: 60_000,
  address: {host: '127.0.0.1', port: 8081},
};
const call: RuntimeCall = {invocationId: 'id-1', body: '{}', deadlineMs: 0, deadline: 0, trace: undefined};
const never = Number.MAX_SAFE_INTEGER;

/** As much of an upstream as the pool uses: the test settles its calls. */
class FakeUpstream {
  readonly calls: PromiseWithResolvers<RuntimeReply>[] = [];
  destroyed: Fault | undefined;

  send(): Promise<RuntimeReply> {
    const pending = Promise.withResolvers<RuntimeReply>();
    this.calls.push(pending);
    return pending.promise;
  }

  destroy(reason: Fault): void {
    this.destroyed = reason;
    for (const pending of this.calls) pending.reject(reason);
  }
}

function openPool(some: Partial<PoolOptions> = {}) {
  const clock = new ManualClock();
  const meter = recordingMeter();
  const pool = new Pool({...options, ...some}, clock, meter);
  const upstream = new FakeUpstream();
  return {clock, meter, pool, upstream, asUpstream: (fake: FakeUpstream) => fake as unknown as Upstream}; // it has all that the pool calls
}

function openReady(some: Partial<PoolOptions> = {}) {
  const house = openPool(some);
  house.pool.open(house.asUpstream(house.upstream));
  return house;
}

const isPending = async (promise: Promise<unknown>) => {
  await settle();
  return (await Promise.race([promise.catch(() => {}), Promise.resolve('pending')])) === 'pending';
};

test('past the queue’s length the next one is refused at once', async t => {
  const {pool, upstream, asUpstream} = openPool({queueLength: 2});
  const waiting = [pool.lease(never), pool.lease(never)];
  const fault = await t.throwsAsync(pool.lease(never), {instanceOf: Fault, code: 'POOL_BUSY'});
  t.is((fault as Fault | undefined)?.retryAfterS, 1);
  pool.open(asUpstream(upstream));
  await Promise.all(waiting);
});

test('with a queue of 0 nobody waits', async t => {
  const {pool} = openReady({queueLength: 0, concurrency: 1});
  await pool.lease(never);
  await t.throwsAsync(pool.lease(never), {code: 'POOL_BUSY'});
});

test('whoever waits for a busy sub-runtime is refused after the longest wait, not before', async t => {
  const {pool, clock} = openReady({concurrency: 1});
  await pool.lease(never);
  const waiting = pool.lease(never);
  await clock.advance(9999);
  t.true(await isPending(waiting));
  await Promise.all([t.throwsAsync(waiting, {code: 'POOL_BUSY'}), clock.advance(1)]);
  t.is(clock.pending, 0);
});

test('whoever waits for the start is refused when it takes too long', async t => {
  const {pool, clock} = openPool();
  const waiting = pool.lease(never);
  await clock.advance(59_999);
  t.true(await isPending(waiting));
  const [fault] = await Promise.all([t.throwsAsync(waiting, {code: 'POOL_NOT_READY'}), clock.advance(1)]);
  t.is(fault?.message, 'The sub-runtime was not ready within 60000 ms');
  t.is((fault as Fault | undefined)?.retryAfterS, 1);
});

test('nobody waits past the deadline, and the message names the time that was waited', async t => {
  const {pool, clock} = openPool();
  await clock.advance(500);
  const waiting = pool.lease(1500);
  const [fault] = await Promise.all([t.throwsAsync(waiting, {code: 'POOL_NOT_READY'}), clock.advance(1000)]);
  t.is(fault?.message, 'The sub-runtime was not ready within 1000 ms');
  const ready = openReady({concurrency: 1});
  await ready.pool.lease(never);
  await Promise.all([t.throwsAsync(ready.pool.lease(300), {code: 'POOL_BUSY'}), ready.clock.advance(300)]);
});

test('a closed pool refuses whoever waits and whoever comes, with the reason', async t => {
  const {pool, clock, upstream, asUpstream} = openPool();
  const waiting = [pool.lease(never), pool.lease(never)];
  pool.close(() => new Fault('POOL_GAVE_UP', {retryAfterS: 60}));
  for (const lease of waiting) await t.throwsAsync(lease, {code: 'POOL_GAVE_UP'});
  await t.throwsAsync(pool.lease(never), {code: 'POOL_GAVE_UP'});
  pool.open(asUpstream(upstream));
  await t.throwsAsync(pool.lease(never), {code: 'POOL_GAVE_UP'});
  t.is(clock.pending, 0);
});

test('each refusal is an error of its own', async t => {
  const {pool} = openPool({queueLength: 0});
  const [a, b] = await Promise.all([pool.lease(never).catch(error => error), pool.lease(never).catch(error => error)]);
  t.not(a, b);
});

test('Retry-After tells when the queue of now will have been served, from 1 to 60 seconds', async t => {
  const {pool, clock, upstream} = openReady({concurrency: 1, queueLength: 5, queueWaitMs: never});
  const lease = await pool.lease(never);
  const sent = lease.send(call);
  for (let waiting = 0; waiting < 5; waiting++) pool.lease(never).catch(() => {});
  await clock.advance(30_100); // the mean goes from 100 ms to 3100 ms
  upstream.calls[0]?.resolve(runtimeReply('{}'));
  await sent;
  pool.lease(never).catch(() => {});
  const fault: Fault = await pool.lease(never).catch(error => error);
  t.is(fault.code, 'POOL_BUSY');
  t.is(fault.retryAfterS, 16); // 5 × 3.1 s
  const slow = openReady({concurrency: 1, queueLength: 1, queueWaitMs: never});
  const taken = await slow.pool.lease(never);
  const call2 = taken.send(call);
  await slow.clock.advance(3_600_000);
  slow.upstream.calls[0]?.resolve(runtimeReply('{}'));
  await call2;
  await slow.pool.lease(never);
  slow.pool.lease(never).catch(() => {});
  t.is((await slow.pool.lease(never).catch(error => error)).retryAfterS, 60);
});

test('a ready sub-runtime is leased at once, up to its concurrency', async t => {
  const {pool, meter} = openReady();
  for (const lease of await Promise.all([pool.lease(never), pool.lease(never)])) {
    t.false(lease.cold);
    t.is(lease.waitedMs, 0);
    t.deepEqual(lease.address, options.address);
  }
  t.true(await isPending(pool.lease(never)));
  t.deepEqual(meter.calls, [['queued', 1]]);
});

test('calls that come before the sub-runtime is ready share its readiness, oldest first', async t => {
  const {pool, clock, meter, upstream, asUpstream} = openPool();
  t.false(pool.isReady);
  const order: number[] = [];
  const leases = [0, 1, 2].map(async number => {
    const lease = await pool.lease(never);
    order.push(number);
    return lease;
  });
  await clock.advance(250);
  pool.open(asUpstream(upstream));
  t.true(pool.isReady);
  await settle();
  t.deepEqual(order, [0, 1]);
  const first = await leases[0];
  t.true(first?.cold);
  t.is(first?.waitedMs, 250);
  first?.release();
  await settle();
  t.deepEqual(order, [0, 1, 2]);
  t.deepEqual(meter.calls, [
    ['queued', 1],
    ['queued', 2],
    ['queued', 3],
    ['dequeued', 2, 0.25],
    ['dequeued', 1, 0.25],
    ['dequeued', 0, 0.25],
  ]);
  t.is(clock.pending, 0);
});

test('a newcomer does not overtake those that wait', async t => {
  const {pool} = openReady({concurrency: 1});
  const held = await pool.lease(never);
  const order: string[] = [];
  const first = pool.lease(never).then(lease => {
    order.push('first');
    return lease;
  });
  held.release();
  void pool.lease(never).then(() => order.push('second'));
  (await first).release();
  await settle();
  t.deepEqual(order, ['first', 'second']);
});

test('a lease ends with its call, well or badly, and once only', async t => {
  const {pool, upstream} = openReady({concurrency: 1});
  for (const settleCall of [
    (pending: PromiseWithResolvers<RuntimeReply>) => pending.resolve(runtimeReply('{}')),
    (pending: PromiseWithResolvers<RuntimeReply>) => pending.reject(new NotSent('refused')),
    (pending: PromiseWithResolvers<RuntimeReply>) => pending.reject(new Fault('UPSTREAM_TIMEOUT')),
  ]) {
    const lease = await pool.lease(never);
    const sent = lease.send(call);
    const next = pool.lease(never);
    t.true(await isPending(next));
    const pending = upstream.calls.at(-1);
    if (pending) settleCall(pending);
    await Promise.allSettled([sent]);
    lease.release();
    lease.release();
    const following = await next;
    t.true(await isPending(pool.lease(never).then(extra => extra.release())));
    following.release();
    await settle();
  }
});

test('a lost sub-runtime breaks off its calls, those that wait wait on for the next', async t => {
  const {pool, upstream, asUpstream, clock} = openReady({concurrency: 1});
  const sent = (await pool.lease(never)).send(call);
  const waiting = pool.lease(never);
  pool.lose(new Fault('UPSTREAM_LOST', {message: 'it exited during the call'}));
  t.false(pool.isReady);
  await t.throwsAsync(sent, {code: 'UPSTREAM_LOST', message: 'it exited during the call'});
  t.is(upstream.destroyed?.code, 'UPSTREAM_LOST');
  t.true(await isPending(waiting));
  await clock.advance(500);
  const next = new FakeUpstream();
  pool.open(asUpstream(next));
  const lease = await waiting;
  void lease.send(call);
  t.is(next.calls.length, 1);
  t.is(upstream.calls.length, 1);
});

test('losing a sub-runtime that never was there is nothing', t => {
  const {pool} = openPool();
  t.notThrows(() => pool.lose(new Fault('UPSTREAM_LOST')));
});

test('the first who waited for a start carries its record on, nobody else', async t => {
  const record = {executable: 'node', pid: 7, startedAt: 0, endedAt: 30};
  const {pool, upstream, asUpstream} = openPool();
  t.false(pool.open(asUpstream(upstream), record));
  t.is((await pool.lease(never)).start, undefined);
  const waited = openPool();
  const leases = [waited.pool.lease(never), waited.pool.lease(never), waited.pool.lease(never)];
  t.true(waited.pool.open(waited.asUpstream(waited.upstream), record));
  t.is((await leases[0])?.start, record);
  t.is((await leases[1])?.start, undefined);
  (await leases[0])?.release();
  t.is((await leases[2])?.start, undefined);
});
