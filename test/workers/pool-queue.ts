import test from 'ava';
import {Fault} from '../../src/errors.ts';
import {settle} from '../helpers/clock.ts';
import {runtimeReply} from '../helpers/fakes.ts';
import {at, call, finish, isPending, never, openPool, openReady} from '../helpers/pool.ts';

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

test('while it is not certain that a process answers, as many wait as it has places, whatever the queue holds', async t => {
  const {pool, upstream} = openReady({queueLength: 0, concurrency: 3});
  finish(await pool.lease(never));
  await pool.lease(never);
  upstream.isDoubtful = true;
  const waiting = [pool.lease(never), pool.lease(never)];
  await t.throwsAsync(pool.lease(never), {code: 'POOL_BUSY'});
  t.true(pool.isOverloaded);
  upstream.isDoubtful = false;
  pool.admitWaiting();
  await Promise.all(waiting);
  await t.throwsAsync(pool.lease(never), {code: 'POOL_BUSY'});
});

test('a deadline that the present queue cannot meet is refused at once', async t => {
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

test('each refusal is an error of its own', async t => {
  const {pool} = openPool({queueLength: 0});
  const [a, b] = await Promise.all([pool.lease(never).catch(error => error), pool.lease(never).catch(error => error)]);
  t.not(a, b);
});

test('Retry-After says when the present queue will have been served, from 1 to 60 seconds', async t => {
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

test('a pool is overloaded when the queue is full, and not any more once a call was served', async t => {
  const {pool} = openReady({concurrency: 1, queueLength: 1});
  const held = await pool.lease(never);
  t.false(pool.isOverloaded);
  const waiting = pool.lease(never);
  t.true(pool.isOverloaded);
  finish(held);
  await waiting;
  t.false(pool.isOverloaded);
});

test('with a queue of 0 a pool is overloaded while every place is taken', async t => {
  const {pool} = openReady({concurrency: 1, queueLength: 0});
  t.false(pool.isOverloaded);
  const held = await pool.lease(never);
  t.true(pool.isOverloaded);
  finish(held);
  t.false(pool.isOverloaded);
});
