import test from 'ava';
import type {Fault} from '../../../src/errors.ts';
import {Budget} from '../../../src/limits/budget.ts';
import {Senders} from '../../../triggers/http/senders.ts';
import {ManualClock} from '../../helpers/clock.ts';

function open(maxBytes: number) {
  const clock = new ManualClock();
  const budget = new Budget(maxBytes, clock);
  let cut = 0;
  const senders = new Senders(clock, () => cut++);
  return {
    clock,
    budget,
    senders,
    cut: () => cut,
    send(bytes: number) {
      const hold = budget.open('body');
      const stopped: Fault[] = [];
      const sender = senders.add(hold, fault => {
        stopped.push(fault);
        senders.end(sender);
      });
      const full = senders.grow(hold, bytes);
      sender.receivedBytes = bytes;
      return {hold, sender, stopped, full};
    },
  };
}

test('the slowest body goes for one that needs its room, and no more of them than that', async t => {
  const {send, clock, cut, budget} = open(300_000);
  const slowest = send(50_000);
  const slow = send(60_000);
  await clock.advance(2000);
  const newest = send(200_000);
  t.is(newest.full, undefined);
  t.is(slowest.stopped[0]?.code, 'INFLIGHT_FULL');
  t.is(slowest.stopped[0]?.retryAfterS, 1);
  t.is(slow.stopped.length, 0);
  t.is(cut(), 1);
  t.is(budget.heldBytes, 260_000);
});

test('bodies that come fast, or began just now, are not refused for another', async t => {
  const {send, clock, cut} = open(1_000_000);
  const fast = send(500_000);
  await clock.advance(2000);
  const young = send(450_000);
  const newest = send(200_000);
  t.is(newest.full?.code, 'INFLIGHT_FULL');
  t.is(fast.stopped.length + young.stopped.length, 0);
  t.is(cut(), 0);
});

test('while large bodies wait for their turn, slow ones are refused', async t => {
  const {send, clock, cut, senders} = open(300_000);
  const [slow, fast] = [send(50_000), send(200_000)];
  senders.refuseSlow();
  t.is(cut(), 0, 'they have just begun');
  await clock.advance(2000);
  senders.refuseSlow();
  t.is(slow.stopped[0]?.code, 'INFLIGHT_FULL');
  t.is(fast.stopped.length, 0);
  t.is(cut(), 1);
});

test('a body that was received does not count as a sender any more', async t => {
  const {send, clock, senders} = open(1000);
  const whole = send(900);
  senders.end(whole.sender);
  await clock.advance(60_000);
  t.is(send(200).full?.code, 'INFLIGHT_FULL');
  t.is(whole.stopped.length, 0);
});
