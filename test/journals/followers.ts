import {getEventListeners} from 'node:events';
import {setFlagsFromString} from 'node:v8';
import {runInNewContext} from 'node:vm';
import test from 'ava';
import {Followers} from '../../src/journals/followers.ts';
import {MemoryJournal} from '../../src/journals/memory/journal.ts';
import {ManualClock} from '../helpers/clock.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

test('a wait that is over leaves nothing behind', async t => {
  const followers = new Followers();
  const {signal} = new AbortController();
  for (let round = 0; round < 100; round++) {
    const waiting = followers.next(followers.times, signal);
    followers.wake();
    await waiting;
  }
  t.is(getEventListeners(signal, 'abort').length, 0);
});

test('what came between the look and the wait ends the wait at once', async t => {
  const followers = new Followers();
  const {times} = followers;
  followers.wake();
  await followers.next(times, new AbortController().signal);
  await followers.next(followers.times, AbortSignal.abort());
  t.pass();
});

test.serial('a follower holds no more after a hundred thousand facts than after a thousand', async t => {
  const journal = new MemoryJournal(new ManualClock(), {keep: 10});
  const stop = new AbortController();
  let seen = 0;
  const following = (async () => {
    for await (const {position} of journal.follow({after: 0, signal: stop.signal})) seen = position;
  })();
  const heapAfter = async (facts: number) => {
    for (let last = seen + facts; seen < last; ) {
      const before = seen;
      journal.record('runtime.x', [{type: 'invocation.settled', data: {outcome: 'responded', status: 200, durationMs: 1}}]);
      while (seen === before) await new Promise(resolve => setImmediate(resolve)); // it waits each time
    }
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  const before = await heapAfter(1000);
  const after = await heapAfter(100_000);
  stop.abort();
  await following;
  t.true(after - before < 4 * 2 ** 20, `${after - before} bytes more`);
});
