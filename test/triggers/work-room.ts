import test from 'ava';
import {Budget} from '../../src/limits/budget.ts';
import {Room} from '../../triggers/work/room.ts';
import {ManualClock} from '../helpers/clock.ts';

const MiB = 2 ** 20;
const going = new AbortController().signal;

/** A journal whose requests have 6 MiB each. */
function waiting(maxBytes: number) {
  const clock = new ManualClock();
  const budget = new Budget(maxBytes, clock);
  const room = new Room({budget, clock});
  let reads = 0;
  const read = async () => {
    reads++;
    return 6 * MiB;
  };
  return {clock, budget, room, take: (signal = going) => room.read(read, bytes => bytes, signal), reads: () => reads};
}

test('what is read for work is charged to the account, and no more is read while half of it is taken', async t => {
  const {clock, budget, take, reads} = waiting(128 * MiB);
  const taken = Array.from({length: 50}, () => take());
  await clock.advance(1000);
  t.true(reads() >= 11, 'half of the account is used');
  t.true(reads() <= 18, 'and what was on its way meanwhile');
  t.is(budget.bytesOf('event'), reads() * 6 * MiB);
  for (const one of taken) (await Promise.race([one, clock.turn()]))?.share.release();
  await clock.advance(1000);
  t.true(reads() > 18);
  for (const one of taken.slice(18)) (await Promise.race([one, clock.turn()]))?.share.release();
});

test('where memory is scarce one request is read at a time', async t => {
  const {clock, take, reads} = waiting(16 * MiB);
  for (let item = 0; item < 10; item++) take();
  await clock.advance(1000);
  t.is(reads(), 2);
});

test('one item has room however much callers hold', async t => {
  const {clock, budget, take, reads} = waiting(128 * MiB);
  budget.open('body').set(128 * MiB);
  take();
  take();
  await clock.advance(1000);
  t.is(reads(), 1);
});

test('a request that cannot be read leaves its room', async t => {
  const {budget, room, take} = waiting(128 * MiB);
  const failing = () => Promise.reject(new Error('the disk is gone'));
  for (let time = 0; time < 20; time++)
    await t.throwsAsync(
      room.read(failing, () => 0, going),
      {message: 'the disk is gone'},
    );
  budget.open('body').set(128 * MiB);
  t.truthy(await take());
});

test('what waits for room at a stop is not read', async t => {
  const {clock, budget, take, reads} = waiting(128 * MiB);
  budget.open('body').set(128 * MiB);
  const stop = new AbortController();
  const [first, second] = [take(stop.signal), take(stop.signal)];
  await clock.turn();
  stop.abort();
  t.truthy(await first);
  t.is(await second, undefined);
  t.is(reads(), 1);
});
