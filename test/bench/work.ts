import test from 'ava';
import {startRedis} from '../../bench/work/databases.ts';
import {batched, rateOf, type Sent} from '../../bench/work/queue.ts';

const item = (at: number): Sent => ({at, text: ''});

test('who is in a batch that fails is told so, and the next batch goes out', async t => {
  let calls = 0;
  const send = batched(async () => {
    if (++calls === 1) throw new Error('the disk is full');
  });
  const [first, second] = await Promise.allSettled([send(item(1)), send(item(2))]);
  t.is(first?.status, 'rejected');
  t.is(second?.status, 'rejected');
  await t.notThrowsAsync(send(item(3)));
});

test('what is sent while a batch is on its way goes with the next one, and is accepted when that is', async t => {
  const [batches, ends] = [[] as number[][], [] as (() => void)[]];
  const send = batched(items => {
    batches.push(items.map(({at}) => at));
    return new Promise(resolve => ends.push(resolve));
  }, 2);
  const accepted: number[] = [];
  const all = [1, 2, 3].map(at => send(item(at)).then(() => accepted.push(at)));
  await new Promise(setImmediate);
  all.push(send(item(4)).then(() => accepted.push(4)));
  t.deepEqual(batches, [[1, 2]]);
  t.deepEqual(accepted, []);
  ends[0]?.();
  await new Promise(setImmediate);
  t.deepEqual(batches, [
    [1, 2],
    [3, 4],
  ]);
  t.deepEqual(accepted, [1, 2]);
  ends[1]?.();
  await Promise.all(all);
});

test('a rate counts what was done in the time that passed', t => {
  t.deepEqual(rateOf([3, 1, 2], 1_500_000, 4), {count: 3, perSecond: 2, p50Us: 2, p99Us: 3, errors: 4});
});

test('a database that is not installed is missed before anything is started', async t => {
  const {PATH} = process.env;
  process.env.PATH = '/nowhere'; // no other test of this file starts anything
  t.teardown(() => {
    process.env.PATH = PATH;
  });
  await using stack = new AsyncDisposableStack();
  await t.throwsAsync(startRedis(stack), {message: /redis-server ENOENT/});
});
