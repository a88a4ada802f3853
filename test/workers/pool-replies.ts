import test from 'ava';
import {ReplyTurns} from '../../src/limits/reply-turns.ts';
import {settle} from '../helpers/clock.ts';
import {runtimeReply} from '../helpers/fakes.ts';
import {call, finish, isPending, never, openReady} from '../helpers/pool.ts';

test('where replies take turns, callers for whom there are places wait, even with a queue of 0, and more are refused', async t => {
  const {pool} = openReady({queueLength: 0, concurrency: 4, replyTurns: new ReplyTurns(1_000_000)});
  await Promise.all([pool.lease(never), pool.lease(never)]);
  const waiting = [pool.lease(never), pool.lease(never)];
  await t.throwsAsync(pool.lease(never), {code: 'POOL_BUSY'});
  t.true(pool.isOverloaded);
  t.true(await isPending(Promise.race(waiting)));
});

test('the next calls run when a reply has come: more of them where it was short', async t => {
  const {pool} = openReady({concurrency: 10, queueLength: 10, replyTurns: new ReplyTurns(1_000_000)});
  const [first] = await Promise.all([pool.lease(never), pool.lease(never)]);
  const waiting = [pool.lease(never), pool.lease(never), pool.lease(never)];
  finish(first);
  await Promise.all(waiting.slice(0, 2));
  t.true(await isPending(waiting[2] as Promise<unknown>));
});

test('after a long reply as many calls run as such replies fit, and one does not end before the other starts', async t => {
  const {pool, upstream} = openReady({concurrency: 10, queueLength: 10, replyTurns: new ReplyTurns(1_000_000)});
  const [first, second] = await Promise.all([pool.lease(never), pool.lease(never)]);
  const sent = [first?.send(call), second?.send(call)];
  const waiting = [pool.lease(never), pool.lease(never)];
  upstream.calls[0]?.resolve(runtimeReply('{}'), {replyBytes: 800_000});
  await settle();
  t.true(await isPending(Promise.race(waiting)));
  upstream.calls[1]?.resolve(runtimeReply('{}'), {replyBytes: 800_000});
  await waiting[0];
  t.true(await isPending(waiting[1] as Promise<unknown>));
  await Promise.all(sent);
});

test('a reply that nobody waited for any more counts, too', async t => {
  const replyTurns = new ReplyTurns(1_000_000);
  const {pool, upstream} = openReady({concurrency: 10, replyTurns});
  const sent = (await pool.lease(never)).send(call);
  upstream.calls[0]?.reject(new Error('too late'), {answered: true, replyBytes: 800_000});
  await t.throwsAsync(sent);
  t.is(replyTurns.calls, 1);
});
