import test from 'ava';
import {Fault} from '../../src/errors.ts';
import {NotSent} from '../../src/runtime.ts';
import {settle} from '../helpers/clock.ts';
import {runtimeReply} from '../helpers/fakes.ts';
import {address, call, type FakeUpstream, finish, isPending, never, openPool, openReady} from '../helpers/pool.ts';

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
  finish(first);
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
  finish(held);
  void pool.lease(never).then(() => order.push('second'));
  finish(await first);
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
    for (const settled of [pending, pending]) if (settled) settleCall(settled);
    await Promise.allSettled([sent]);
    const following = await next;
    t.true(await isPending(pool.lease(never).then(finish)));
    finish(following);
    await settle();
  }
});

test('only the first call that waited for a start gets its record', async t => {
  const record = {executable: 'node', pid: 7, startedAt: 0, endedAt: 30};
  const {pool, member} = openPool();
  t.false(pool.add(member(), record));
  t.is((await pool.lease(never)).start, undefined);
  const waited = openPool();
  const leases = [waited.pool.lease(never), waited.pool.lease(never), waited.pool.lease(never)];
  t.true(waited.pool.add(waited.member(), record));
  t.is((await leases[0])?.start, record);
  t.is((await leases[1])?.start, undefined);
  finish(await leases[0]);
  t.is((await leases[2])?.start, undefined);
});
