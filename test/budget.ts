import test from 'ava';
import {Budget} from '../src/budget.ts';
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
