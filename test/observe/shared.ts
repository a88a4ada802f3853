import test from 'ava';
import {Shared} from '../../src/observe/shared.ts';
import {ManualClock, settle} from '../helpers/clock.ts';

/** Work that takes 4 ms and counts its results. */
function slowWork(clock: ManualClock) {
  const counts = {begun: 0};
  const work = async () => {
    const own = ++counts.begun;
    await clock.sleep(4);
    return own;
  };
  return {work, counts};
}

test('callers that ask during the work, or the rest after it, get the next result, which is newer than the question', async t => {
  const clock = new ManualClock();
  const {work, counts} = slowWork(clock);
  const shared = new Shared(work, clock);
  const first = shared.ask();
  await settle();
  const later = Array.from({length: 1000}, () => shared.ask());
  await clock.advance(4);
  t.is(await first, 1);
  later.push(shared.ask());
  await clock.advance(35);
  t.is(counts.begun, 1);
  await clock.advance(1);
  await clock.advance(4);
  t.deepEqual(new Set(await Promise.all(later)), new Set([2]));
  t.is(counts.begun, 2);
});

test('the rest is bounded after long work, and work that fails is done again', async t => {
  const clock = new ManualClock();
  let fails = true;
  const shared = new Shared(async () => {
    await clock.sleep(5000);
    if (fails) throw new Error('no luck');
    return 'done';
  }, clock);
  const failed = t.throwsAsync(shared.ask(), {message: 'no luck'});
  await clock.advance(5000);
  await failed;
  fails = false;
  const next = shared.ask();
  await clock.advance(250);
  await clock.advance(5000);
  t.is(await next, 'done');
});

test('one question after another is answered at once where the work takes no time', async t => {
  const clock = new ManualClock();
  let count = 0;
  const shared = new Shared(async () => ++count, clock);
  t.is(await shared.ask(), 1);
  t.is(await shared.ask(), 2);
  t.is(await shared.ask(), 3);
});
