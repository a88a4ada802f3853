import test from 'ava';
import {Fault} from '../../src/errors.ts';
import {Pace} from '../../src/journals/nats/pace.ts';
import {ManualClock, settle} from '../helpers/clock.ts';

/* How many writes are on their way to the servers at a time. */

function paced(most: number) {
  const clock = new ManualClock();
  const pace = new Pace(most, clock);
  const begun: PromiseWithResolvers<void>[] = [];
  const write = () =>
    pace.turn(() => {
      const writing = Promise.withResolvers<void>();
      begun.push(writing);
      return writing.promise;
    });
  return {clock, pace, begun, write};
}

test('what waits too long for its turn is refused, was not begun, and holds back nothing', async t => {
  const {clock, begun, write} = paced(1);
  const first = write();
  const second = write();
  await clock.advance(1000);
  const third = write();
  await clock.advance(14_000);
  await t.throwsAsync(second, {instanceOf: Fault, code: 'JOURNAL_BUSY'});
  t.is(begun.length, 1);
  begun[0]?.resolve();
  await first;
  await settle();
  t.is(begun.length, 2);
  begun[1]?.resolve();
  await third;
  t.is(clock.pending, 0);
});

test('writes begin in the order in which they came, and one that fails gives its turn on', async t => {
  const {begun, write} = paced(2);
  const order: number[] = [];
  const all = [0, 1, 2, 3].map(number =>
    write().then(
      () => order.push(number),
      () => order.push(-number),
    ),
  );
  await settle();
  t.is(begun.length, 2);
  begun[1]?.reject(new Error('away'));
  await settle();
  t.is(begun.length, 3);
  for (const index of [0, 2]) begun[index]?.resolve();
  await settle();
  begun[3]?.resolve();
  await Promise.all(all);
  t.deepEqual(order, [-1, 0, 2, 3]);
});

test('while answers are late fewer are sent, once for all that are late together; then more with each answer', async t => {
  const {clock, pace, begun, write} = paced(64);
  const all = Array.from({length: 100}, write);
  await settle();
  t.is(begun.length, 64);
  t.false(pace.hasAnswered(0));
  for (let late = 0; late < 64; late++) pace.late();
  for (const each of begun.slice(0, 40)) each.resolve();
  await settle();
  t.is(begun.length, 64 + 8, '32 may be on their way, 24 were left');
  await clock.advance(2000);
  for (let late = 0; late < 3; late++) {
    pace.late();
    await clock.advance(2000);
  }
  for (const each of begun) each.resolve();
  await settle();
  t.is(begun.length, 72 + 8, 'never fewer than eight');
  for (let answers = 0; answers < 5; answers++) pace.answered();
  await settle();
  t.is(begun.length, 80 + 5);
  t.true(pace.hasAnswered(clock.monotonic() - 251), 'and has answered others meanwhile');
  t.false(pace.hasAnswered(clock.monotonic() - 250), 'that may have been on its way');
  for (let left = 0; left < 3; left++) {
    for (const each of begun) each.resolve();
    await settle();
  }
  await Promise.all(all);
});
