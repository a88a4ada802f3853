import test from 'ava';
import {BodyTurns, type Turn} from '../../src/limits/body-turns.ts';
import {ManualClock} from '../helpers/clock.ts';

const open = (maxBytes = 100, largestBytes = Number.POSITIVE_INFINITY) => {
  const clock = new ManualClock();
  return {clock, turns: new BodyTurns(maxBytes, () => largestBytes, clock)};
};

/** Asks for a turn; `state` says what came of it so far. */
function ask(turns: BodyTurns, bytes: number) {
  const asked: {state: string; turn?: Turn} = {state: 'waits'};
  void turns.take(bytes).then(
    turn => Object.assign(asked, {state: 'has its turn', turn}),
    fault => Object.assign(asked, {state: fault.code, fault}),
  );
  return asked;
}

test('a body that is too large for the container is refused at once', async t => {
  const {turns, clock} = open(100, 1000);
  const [larger, fits] = [ask(turns, 1001), ask(turns, 1000)];
  await clock.turn();
  t.like(larger, {state: 'INFLIGHT_FULL', fault: {status: 503}});
  t.is(fits.state, 'has its turn');
});

test('how large a body may be is asked each time, as a sub-runtime that starts on the channel makes fewer copies', async t => {
  let largestBytes = 100;
  const turns = new BodyTurns(100, () => largestBytes, new ManualClock());
  await t.throwsAsync(turns.take(101), {message: /more memory than this container has/});
  largestBytes = 101;
  t.is((await turns.take(101)).bytes, 101);
});

test('a body larger than all that have their turn together is refused while the memory has no room for it', async t => {
  const {turns, clock} = open(100);
  const asked: number[] = [];
  let hasRoom = false;
  turns.hasRoom = bytes => {
    asked.push(bytes);
    return hasRoom;
  };
  const [large, small, waits] = [ask(turns, 101), ask(turns, 100), ask(turns, 102)];
  await clock.turn();
  t.deepEqual([large.state, small.state, waits.state], ['INFLIGHT_FULL', 'has its turn', 'waits']);
  small.turn?.release();
  await clock.turn();
  t.is(waits.state, 'INFLIGHT_FULL');
  hasRoom = true;
  const fits = ask(turns, 103);
  await clock.turn();
  t.is(fits.state, 'has its turn');
  t.deepEqual(asked, [101, 102, 103]);
});

test('when many wait, others are refused at once', async t => {
  const {turns, clock} = open();
  ask(turns, 100);
  const waiting = Array.from({length: 256}, () => ask(turns, 1));
  const refused = ask(turns, 1);
  await clock.turn();
  t.is(refused.state, 'INFLIGHT_FULL');
  t.true(waiting.every(({state}) => state === 'waits'));
  t.is(turns.waiting, 256);
});

test('a body that waited for 10 s is refused, and those that wait press the slow', async t => {
  const {turns, clock} = open();
  let pressed = 0;
  turns.onPressed = () => pressed++;
  ask(turns, 100);
  const waits = ask(turns, 1);
  await clock.advance(9999);
  t.is(waits.state, 'waits');
  t.true(pressed > 30);
  await clock.advance(250);
  t.is(waits.state, 'INFLIGHT_FULL');
  t.is(clock.pending, 0, 'nobody is looked after any more');
});

test('bodies have their turn together as long as they fit, first come, first served', async t => {
  const {turns, clock} = open();
  const [first, second, third, small] = [ask(turns, 60), ask(turns, 40), ask(turns, 60), ask(turns, 1)];
  await clock.turn();
  t.deepEqual([first.state, second.state, third.state, small.state], ['has its turn', 'has its turn', 'waits', 'waits']);
  second.turn?.release();
  second.turn?.release();
  await clock.turn();
  t.is(third.state, 'waits', 'a turn is given back once');
  first.turn?.release();
  await clock.turn();
  t.deepEqual([third.state, small.state], ['has its turn', 'has its turn']);
});

test('one that is alone always has its turn', async t => {
  const {turns, clock} = open();
  const [large, next] = [ask(turns, 1000), ask(turns, 1)];
  await clock.turn();
  t.deepEqual([large.state, next.state], ['has its turn', 'waits']);
  large.turn?.release();
  await clock.turn();
  t.is(next.state, 'has its turn');
});
