import test from 'ava';
import {Fault} from '../../src/errors.ts';
import {NotSent} from '../../src/runtime.ts';
import {ManualClock} from '../helpers/clock.ts';
import {runtimeReply} from '../helpers/fakes.ts';
import {call, FakeUpstream, finish, isPending, never, openPool, openReady} from '../helpers/pool.ts';

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

test('removing a sub-runtime that was never added does nothing', t => {
  const {pool, member} = openPool();
  t.notThrows(() => pool.remove(member()));
});

/** As Node's: a timer may come a moment before its time. */
class EarlyClock extends ManualClock {
  override after(ms: number, fire: () => void): () => void {
    return super.after(ms > 1 ? ms - 0.5 : ms, fire);
  }
}

test('a caller that waits for a sub-runtime that rests is served once it has rested, even when the timer came early', async t => {
  const {pool, upstream, clock} = openReady({concurrency: 1}, new EarlyClock());
  const sent = (await pool.lease(never)).send(call);
  const waiting = [pool.lease(never), pool.lease(never)];
  upstream.calls[0]?.reject(new NotSent('refused'), {mayRun: false, broke: true});
  await t.throwsAsync(sent, {instanceOf: NotSent});
  t.true(await isPending(Promise.race(waiting)));
  await clock.advance(26);
  finish(await waiting[0]);
  finish(await waiting[1]);
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

test('where a connection just broke no call is sent for a moment; to another sub-runtime calls are sent', async t => {
  const {pool, upstream, member, clock} = openReady({concurrency: 1});
  const sent = (await pool.lease(never)).send(call);
  upstream.calls[0]?.reject(new NotSent('refused'), {mayRun: false, broke: true});
  await t.throwsAsync(sent, {instanceOf: NotSent});
  const waiting = pool.lease(never);
  await clock.advance(24);
  t.true(await isPending(waiting));
  await clock.advance(1);
  finish(await waiting);
  const again = (await pool.lease(never)).send(call);
  upstream.calls[1]?.reject(new NotSent('refused'), {mayRun: false, broke: true});
  await t.throwsAsync(again, {instanceOf: NotSent});
  const other = new FakeUpstream();
  pool.add(member(other));
  void (await pool.lease(never)).send(call);
  t.is(other.calls.length, 1);
});
