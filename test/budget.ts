import test from 'ava';
import {Budget} from '../src/limits/budget.ts';
import {ManualClock} from './helpers/clock.ts';

test('what does not fit is refused, and holds no more than before', t => {
  const budget = new Budget(100, new ManualClock());
  const [first, second] = [budget.open('body'), budget.open('body')];
  t.is(first.grow(101)?.code, 'INFLIGHT_FULL');
  t.is(first.grow(60), undefined);
  t.is(second.grow(41)?.code, 'INFLIGHT_FULL');
  t.is(second.grow(40), undefined);
  t.is(first.grow(61)?.code, 'INFLIGHT_FULL');
  t.is(first.grow(10), undefined, 'a share never shrinks');
  t.is(budget.heldBytes, 100);
  first.release();
  t.is(budget.heldBytes, 40);
  second.release();
  t.is(budget.heldBytes, 0);
});

test('a share that somebody else keeps is given back when each has let go', t => {
  const budget = new Budget(100, new ManualClock());
  const hold = budget.open('event');
  hold.grow(60);
  hold.keep();
  hold.keep();
  hold.release();
  hold.letGo();
  t.is(budget.heldBytes, 60);
  hold.letGo();
  t.is(budget.heldBytes, 0);
  const other = budget.open('event');
  other.grow(60);
  other.keep();
  other.letGo();
  t.is(budget.heldBytes, 60, 'not before it is released');
  other.release();
  t.is(budget.heldBytes, 0);
});

test('an event that is alone always fits, and leaves no room for others', t => {
  const budget = new Budget(100, new ManualClock());
  const [first, second] = [budget.open('body'), budget.open('body')];
  first.grow(100);
  t.is(first.growAlone(600), undefined);
  t.is(second.grow(1)?.code, 'INFLIGHT_FULL');
  t.is(second.growAlone(1)?.code, 'INFLIGHT_FULL');
  first.release();
  t.is(budget.heldBytes, 0);
  t.is(second.grow(100), undefined);
});

test('Retry-After follows the time that shares are held, from 1 to 60 s', async t => {
  const clock = new ManualClock();
  const budget = new Budget(1, clock);
  const wait = () => budget.open('body').grow(2)?.retryAfterS;
  t.is(wait(), 1);
  for (let calls = 0; calls < 50; calls++) {
    const hold = budget.open('body');
    hold.grow(1);
    await clock.advance(20_000);
    hold.release();
  }
  t.is(wait(), 20);
  for (let calls = 0; calls < 50; calls++) {
    const hold = budget.open('body');
    hold.grow(1);
    await clock.advance(600_000);
    hold.release();
  }
  t.is(wait(), 60);
});

const MiB = 2 ** 20;

/** A budget of 100 MiB, and replies on connections; `isNext` says whose answer leaves now. */
function open() {
  const clock = new ManualClock();
  const budget = new Budget(100 * MiB, clock);
  const reply = (bytes: number, {isNext = true, connection = {bytes: 0}} = {}) => {
    const place = {
      isNext: () => isNext,
      replyBytes: () => connection.bytes,
      held(change: number) {
        connection.bytes += change;
      },
    };
    const hold = budget.open('reply', 0, place);
    const told: (string | undefined)[] = [];
    const isHeld = hold.growReply(bytes, fault => told.push(fault?.code));
    return {hold, told, isHeld};
  };
  return {clock, budget, reply};
}

test('large replies take three quarters; the next waits until one has left, first come, first served', t => {
  const {budget, reply} = open();
  const [first, second] = [reply(40 * MiB), reply(30 * MiB)];
  t.true(first.isHeld && second.isHeld);
  const [third, fourth] = [reply(40 * MiB), reply(MiB)];
  t.false(third.isHeld || fourth.isHeld);
  t.is(budget.wantedBytes, 41 * MiB);
  t.true(reply(64 * 1024).isHeld, 'a small one does not wait');
  second.hold.release();
  t.deepEqual(third.told, []);
  t.deepEqual(fourth.told, []);
  first.hold.release();
  t.deepEqual(third.told, [undefined]);
  t.deepEqual(fourth.told, [undefined]);
  t.is(budget.bytesOf('reply'), 41 * MiB + 64 * 1024);
  t.is(budget.wantedBytes, 0);
});

test('a reply that is alone always fits', t => {
  const {budget, reply} = open();
  budget.open('body').set(99 * MiB);
  t.true(reply(200 * MiB).isHeld);
  t.false(reply(MiB).isHeld);
});

test('replies that cannot leave yet take half at most, and those of one connection 8 MiB together', t => {
  const {reply} = open();
  const connection = {bytes: 0};
  const next = reply(6 * MiB, {connection});
  t.true(next.isHeld);
  t.true(reply(2 * MiB, {connection, isNext: false}).isHeld);
  const early = reply(2 * MiB, {connection, isNext: false});
  t.false(early.isHeld);
  t.false(reply(MiB, {isNext: true}).isHeld, 'first come, first served');
  next.hold.release();
  t.deepEqual(early.told, [undefined]);
});

test('one whose turn has not come does not hold up the others that wait', t => {
  const {reply} = open();
  reply(MiB);
  const held = reply(70 * MiB);
  const early = reply(60 * MiB, {isNext: false});
  const next = reply(60 * MiB);
  held.hold.release();
  t.deepEqual(next.told, [undefined]);
  t.deepEqual(early.told, []);
});

test('when no room is given for a second those that waited so long are refused', async t => {
  const {clock, reply} = open();
  reply(70 * MiB);
  const waiting = reply(10 * MiB);
  await clock.advance(900);
  t.deepEqual(waiting.told, []);
  await clock.advance(400);
  t.deepEqual(waiting.told, ['REPLY_NO_ROOM']);
  await clock.advance(10_000);
  t.is(waiting.told.length, 1);
  t.is(clock.pending, 0);
});

test('while others get room a reply waits for longer, but not without end', async t => {
  const {clock, reply} = open();
  let small = reply(10 * MiB);
  reply(64 * MiB);
  const waiting = reply(70 * MiB);
  for (let waited = 0; waited < 9500; waited += 500) {
    const next = reply(10 * MiB); // stands behind it
    small.hold.release();
    small = next;
    await clock.advance(500);
    next.hold.release();
  }
  t.true(waiting.told.length <= 1);
  await clock.advance(2000);
  t.deepEqual(waiting.told, ['REPLY_NO_ROOM']);
});

test('a reply that is not wanted any more waits no more', async t => {
  const {clock, budget, reply} = open();
  const held = reply(70 * MiB);
  const waiting = reply(10 * MiB);
  waiting.hold.release();
  held.hold.release();
  await clock.advance(2000);
  t.deepEqual(waiting.told, []);
  t.is(budget.heldBytes, 0);
});

test('a reply that is patient waits for room as others do, and gets it in the end without any', async t => {
  const {clock, budget, reply} = open();
  const held = reply(70 * MiB);
  const told: unknown[] = [];
  const [first, second] = [budget.openSure('reply', 'patient'), budget.openSure('reply', 'patient')];
  t.false(first.growReply(50 * MiB, fault => told.push(fault)));
  t.false(second.growReply(60 * MiB, fault => told.push(fault)));
  held.hold.release();
  t.deepEqual([told, budget.bytesOf('reply')], [[undefined], 50 * MiB]);
  await clock.advance(2000);
  t.deepEqual([told, budget.bytesOf('reply')], [[undefined, undefined], 110 * MiB]);
});

test('a reply that must fit is charged, and neither waits nor is refused', t => {
  const {budget, reply} = open();
  reply(70 * MiB);
  const hold = budget.openSure('reply');
  t.true(hold.growReply(50 * MiB, () => t.fail()));
  t.is(budget.bytesOf('reply'), 120 * MiB);
  hold.release();
  hold.release();
  t.is(budget.bytesOf('reply'), 70 * MiB);
});
