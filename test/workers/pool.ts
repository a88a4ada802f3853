import test from 'ava';
import {Fault} from '../../src/errors.ts';
import {type Deadline, NotSent, type RuntimeCall, type RuntimeReply} from '../../src/runtime.ts';
import {Member} from '../../src/workers/member.ts';
import {Pool, type PoolOptions} from '../../src/workers/pool.ts';
import type {CallEnd} from '../../src/workers/upstream.ts';
import {ManualClock, settle} from '../helpers/clock.ts';
import {recordingMeter, runtimeReply} from '../helpers/fakes.ts';

const options: PoolOptions = {queueLength: 3, queueWaitMs: 10_000, startTimeoutMs: 60_000};
const address = {host: '127.0.0.1', port: 8081};
const call: RuntimeCall = {
  invocationId: 'id-1',
  body: '{}',
  deadlineMs: 0,
  deadline: Number.MAX_SAFE_INTEGER,
  timeoutMs: 5000,
  signal: undefined,
  trace: undefined,
};
const at = (monotonicMs: number): Deadline => ({monotonicMs, timeoutMs: 5000});
const never = at(Number.MAX_SAFE_INTEGER);

/** As much of an upstream as a member uses: the test settles its calls. */
class FakeUpstream {
  readonly calls: {resolve(reply: RuntimeReply): void; reject(error: Error, end?: Partial<CallEnd>): void}[] = [];
  destroyed: Fault | undefined;

  send(_call: RuntimeCall, ended: (end: CallEnd) => void): Promise<RuntimeReply> {
    const pending = Promise.withResolvers<RuntimeReply>();
    this.calls.push({
      resolve(reply) {
        ended({mayRun: true, broke: false});
        pending.resolve(reply);
      },
      reject(error, end) {
        ended({mayRun: true, broke: false, ...end});
        pending.reject(error);
      },
    });
    return pending.promise;
  }

  destroy(reason: Fault): void {
    this.destroyed = reason;
    for (const pending of this.calls) pending.reject(reason);
  }
}

function openPool({concurrency = 2, ...some}: Partial<PoolOptions & {concurrency: number}> = {}, clock = new ManualClock()) {
  const meter = recordingMeter();
  const pool = new Pool({...options, ...some}, clock, meter);
  const member = (upstream = new FakeUpstream()) =>
    new Member({upstream, address, concurrency, clock, onStuck() {}, isEnding: () => false});
  return {clock, meter, pool, member};
}

function openReady(some: Partial<PoolOptions & {concurrency: number}> = {}, clock = new ManualClock()) {
  const house = openPool(some, clock);
  const upstream = new FakeUpstream();
  const first = house.member(upstream);
  house.pool.add(first);
  return {...house, upstream, first};
}

const isPending = async (promise: Promise<unknown>) => {
  let isOver = false;
  const over = () => {
    isOver = true;
  };
  promise.then(over, over);
  await settle();
  return !isOver;
};

test('past the queue’s length the next one is refused at once', async t => {
  const {pool, member} = openPool({queueLength: 2});
  const waiting = [pool.lease(never), pool.lease(never)];
  const fault = await t.throwsAsync(pool.lease(never), {instanceOf: Fault, code: 'POOL_BUSY'});
  t.is((fault as Fault | undefined)?.retryAfterS, 1);
  pool.add(member());
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

test('a wait that the deadline ends is a 504 that names the limit, before or after the start', async t => {
  const {pool, clock} = openPool();
  await clock.advance(500);
  const waiting = pool.lease(at(1500));
  await clock.advance(999);
  t.true(await isPending(waiting));
  const [fault] = await Promise.all([t.throwsAsync(waiting, {instanceOf: Fault, code: 'UPSTREAM_TIMEOUT'}), clock.advance(1)]);
  t.is(fault?.message, 'No sub-runtime was free to answer within 5000 ms');
  t.is((fault as Fault | undefined)?.status, 504);
  const ready = openReady({concurrency: 1});
  await ready.pool.lease(never);
  await Promise.all([t.throwsAsync(ready.pool.lease(at(300)), {code: 'UPSTREAM_TIMEOUT'}), ready.clock.advance(300)]);
  t.is(clock.pending + ready.clock.pending, 0);
});

test('a deadline that has passed is told at once', async t => {
  const {pool, clock} = openReady();
  await clock.advance(500);
  await t.throwsAsync(pool.lease(at(500)), {code: 'UPSTREAM_TIMEOUT'});
});

test('a deadline that the queue of now cannot meet is refused at once', async t => {
  const {pool, clock, upstream} = openReady({concurrency: 1, queueLength: 10, queueWaitMs: Number.MAX_SAFE_INTEGER});
  const sent = (await pool.lease(never)).send(call);
  await clock.advance(1000);
  upstream.calls[0]?.resolve(runtimeReply('{}')); // a call takes a second
  await sent;
  for (let places = 0; places < 4; places++) pool.lease(never).catch(() => {});
  await settle();
  const fault: Fault = await pool.lease(at(3999)).catch(error => error); // three wait before it, and one is served
  t.is(fault.code, 'POOL_BUSY');
  t.is(fault.retryAfterS, 3);
  t.true(await isPending(pool.lease(at(4001))));
});

test('whoever left waits no longer, and is not asked to wait', async t => {
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
  held.release();
  t.false(await isPending(pool.lease(never)));
});

test('a pool that refuses turns away whoever waits and whoever comes, with the reason, until it admits again', async t => {
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

test('each refusal is an error of its own', async t => {
  const {pool} = openPool({queueLength: 0});
  const [a, b] = await Promise.all([pool.lease(never).catch(error => error), pool.lease(never).catch(error => error)]);
  t.not(a, b);
});

test('Retry-After tells when the queue of now will have been served, from 1 to 60 seconds', async t => {
  const {pool, clock, upstream} = openReady({concurrency: 1, queueLength: 5, queueWaitMs: Number.MAX_SAFE_INTEGER});
  const lease = await pool.lease(never);
  const sent = lease.send(call);
  for (let waiting = 0; waiting < 5; waiting++) pool.lease(never).catch(() => {});
  await clock.advance(3100); // the first call makes the mean
  upstream.calls[0]?.resolve(runtimeReply('{}'));
  await sent;
  pool.lease(never).catch(() => {});
  const fault: Fault = await pool.lease(never).catch(error => error);
  t.is(fault.code, 'POOL_BUSY');
  t.is(fault.retryAfterS, 16); // 5 × 3.1 s
  const slow = openReady({concurrency: 1, queueLength: 1, queueWaitMs: Number.MAX_SAFE_INTEGER});
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
    t.deepEqual(lease.address, address);
  }
  t.true(await isPending(pool.lease(never)));
  t.deepEqual(meter.calls, [['queued', 1]]);
});

test('calls that come before the sub-runtime is ready share its readiness, oldest first', async t => {
  const {pool, clock, meter, member} = openPool();
  t.is(pool.size, 0);
  const order: number[] = [];
  const leases = [0, 1, 2].map(async number => {
    const lease = await pool.lease(never);
    order.push(number);
    return lease;
  });
  await clock.advance(250);
  pool.add(member());
  t.is(pool.size, 1);
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
  type Pending = FakeUpstream['calls'][number];
  for (const settleCall of [
    (pending: Pending) => pending.resolve(runtimeReply('{}')),
    (pending: Pending) => pending.reject(new NotSent('refused'), {mayRun: false}),
    (pending: Pending) => pending.reject(new Fault('UPSTREAM_PROTOCOL')),
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

test('a sub-runtime that left takes no calls: those that wait wait on for the next', async t => {
  const {pool, upstream, first, member, clock} = openReady({concurrency: 1});
  const sent = (await pool.lease(never)).send(call);
  const waiting = pool.lease(never);
  pool.remove(first);
  t.is(pool.size, 0);
  const gone = t.throwsAsync(sent, {code: 'UPSTREAM_LOST', message: 'it exited during the call'});
  first.destroy(new Fault('UPSTREAM_LOST', {message: 'it exited during the call'}));
  await gone;
  t.is(upstream.destroyed?.code, 'UPSTREAM_LOST');
  t.true(await isPending(waiting));
  await clock.advance(500);
  const next = new FakeUpstream();
  pool.add(member(next));
  const lease = await waiting;
  void lease.send(call);
  t.is(next.calls.length, 1);
  t.is(upstream.calls.length, 1);
});

test('removing a sub-runtime that never was there is nothing', t => {
  const {pool, member} = openPool();
  t.notThrows(() => pool.remove(member()));
});

/** As Node's: a timer may come a moment before its time. */
class EarlyClock extends ManualClock {
  override after(ms: number, fire: () => void): () => void {
    return super.after(ms > 1 ? ms - 0.5 : ms, fire);
  }
}

test('who waits for a sub-runtime that rests is served once it has rested, even when the timer came early', async t => {
  const {pool, upstream, clock} = openReady({concurrency: 1}, new EarlyClock());
  const sent = (await pool.lease(never)).send(call);
  const waiting = [pool.lease(never), pool.lease(never)];
  upstream.calls[0]?.reject(new NotSent('refused'), {mayRun: false, broke: true});
  await t.throwsAsync(sent, {instanceOf: NotSent});
  t.true(await isPending(Promise.race(waiting)));
  await clock.advance(26);
  (await waiting[0])?.release();
  (await waiting[1])?.release();
  t.is((await pool.lease(never)).waitedMs, 0);
});

test('calls go to the least busy one; of equals to the one that rested longest', async t => {
  const {pool, member, clock} = openPool({concurrency: 2});
  const [a, b] = [new FakeUpstream(), new FakeUpstream()];
  pool.add(member(a));
  pool.add(member(b));
  const calls = async () => {
    await clock.advance(1);
    void (await pool.lease(never)).send(call);
    return [a.calls.length, b.calls.length];
  };
  t.deepEqual(await calls(), [1, 0]);
  t.deepEqual(await calls(), [1, 1]);
  t.deepEqual(await calls(), [2, 1]);
  t.deepEqual(await calls(), [2, 2]);
  b.calls[0]?.resolve(runtimeReply('{}'));
  t.deepEqual(await calls(), [2, 3]);
  for (const each of [b.calls[1], b.calls[2], a.calls[0], a.calls[1]]) each?.resolve(runtimeReply('{}'));
  t.deepEqual(await calls(), [3, 3]);
});

test('where a connection just broke nobody else is sent for a moment, to another they are', async t => {
  const {pool, upstream, member, clock} = openReady({concurrency: 1});
  const sent = (await pool.lease(never)).send(call);
  upstream.calls[0]?.reject(new NotSent('refused'), {mayRun: false, broke: true});
  await t.throwsAsync(sent, {instanceOf: NotSent});
  const waiting = pool.lease(never);
  await clock.advance(24);
  t.true(await isPending(waiting));
  await clock.advance(1);
  (await waiting).release();
  const again = (await pool.lease(never)).send(call);
  upstream.calls[1]?.reject(new NotSent('refused'), {mayRun: false, broke: true});
  await t.throwsAsync(again, {instanceOf: NotSent});
  const other = new FakeUpstream();
  pool.add(member(other));
  void (await pool.lease(never)).send(call);
  t.is(other.calls.length, 1);
});

test('it is overloaded when the queue is full, and no longer when somebody was served', async t => {
  const {pool} = openReady({concurrency: 1, queueLength: 1});
  const held = await pool.lease(never);
  t.false(pool.isOverloaded);
  const waiting = pool.lease(never);
  t.true(pool.isOverloaded);
  held.release();
  await waiting;
  t.false(pool.isOverloaded);
});

test('the first who waited for a start carries its record on, nobody else', async t => {
  const record = {executable: 'node', pid: 7, startedAt: 0, endedAt: 30};
  const {pool, member} = openPool();
  t.false(pool.add(member(), record));
  t.is((await pool.lease(never)).start, undefined);
  const waited = openPool();
  const leases = [waited.pool.lease(never), waited.pool.lease(never), waited.pool.lease(never)];
  t.true(waited.pool.add(waited.member(), record));
  t.is((await leases[0])?.start, record);
  t.is((await leases[1])?.start, undefined);
  (await leases[0])?.release();
  t.is((await leases[2])?.start, undefined);
});
