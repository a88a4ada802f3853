import test from 'ava';
import type {Delivery} from '../../src/delivery.ts';
import {Fault} from '../../src/errors.ts';
import {Handler} from '../../src/messages/handler.ts';
import {ManualClock} from '../helpers/clock.ts';
import {place, terms} from '../helpers/handled-message.ts';

/* What counts as an attempt of a message, and how long it waits for the next. */

test('the attempts of a message hold where the entry names none', async t => {
  const {house, message, told, calls} = place(500, {attempts: 1});
  t.is(await new Handler(terms, house, new AbortController().signal).handle(message), 'buried');
  t.deepEqual(told, ['bury']);
  t.is(calls(), 1);
});

test('a message that fails is given back, later with each attempt', async t => {
  for (const [attempt, afterMs] of [
    [1, 1000],
    [3, 4000],
    [40, 30_000],
  ] as const) {
    const {house, message, told} = place(503, {attempt});
    t.is(await new Handler(terms, house, new AbortController().signal).handle(message), 'given-back');
    t.deepEqual(told, [`back ${afterMs}`]);
  }
});

test('where the broker does not count, the journal does', async t => {
  const {house, message, told} = place(500);
  const handler = new Handler({...terms, attempts: 3}, house, new AbortController().signal);
  t.is(await handler.handle(message), 'given-back');
  t.is(await handler.handle(message), 'given-back');
  t.is(await handler.handle(message), 'buried');
  t.deepEqual(told, ['back 1000', 'back 2000', 'bury']);
});

test('a message of which the broker cannot be told waits longer each time', async t => {
  const {house, message, told} = place(500, {
    attempt: 4,
    bury: async () => {
      throw new Error('no such queue');
    },
  });
  t.is(await new Handler({...terms, attempts: 1}, house, new AbortController().signal).handle(message), 'unacknowledged');
  t.deepEqual(told, ['back 8000']);
});

test('what does not reach the function stays here for a while, and is given back only then', async t => {
  const {house, message, told} = place(200);
  let calls = 0;
  const waits: number[] = [];
  const clock = Object.assign(new ManualClock(), {sleep: async (ms: number) => waits.push(ms) > 0});
  const deliver = async (delivery: Delivery) => {
    calls++;
    delivery.reply({status: 503, headers: [], body: '', fault: new Fault('POOL_BUSY')});
  };
  t.is(await new Handler(terms, {...house, clock, deliver}, new AbortController().signal).handle(message), 'given-back');
  t.deepEqual(waits, [1000, 2000, 4000, 8000, 16_000]);
  t.deepEqual(told, ['back 30000']);
  t.is(calls, 6);
});

test('what stays here is given back at once when the trigger closes', async t => {
  const {house, message, told} = place(200);
  const deliver = async (delivery: Delivery) => delivery.reply({status: 503, headers: [], body: '', fault: new Fault('POOL_BUSY')});
  t.is(await new Handler(terms, {...house, deliver}, AbortSignal.abort()).handle(message), 'given-back');
  t.deepEqual(told, ['back 0']);
});

test('a function that cannot be loaded makes no message a dead letter', async t => {
  const {house, message, told} = place(500, {attempt: 9, fault: new Fault('HANDLER_MISSING')});
  const clock = house.clock as ManualClock;
  const handled = new Handler({...terms, attempts: 2}, house, new AbortController().signal).handle(message);
  await clock.advance(200_000);
  t.is(await handled, 'given-back');
  t.deepEqual(told, ['back 30000']);
});

test('a message that came often without reaching the function has all its attempts still', async t => {
  const fault = new Fault('HANDLER_MISSING');
  const missing = place(500, {fault, attempt: 1});
  const stopping = new AbortController().signal;
  const unreached = new Handler({...terms, attempts: 3}, missing.house, stopping).handle(missing.message);
  await (missing.house.clock as ManualClock).advance(200_000);
  t.is(await unreached, 'given-back');
  for (const [attempt, outcome] of [
    [7, 'given-back'],
    [8, 'given-back'],
    [9, 'buried'],
  ] as const) {
    const failing = place(500, {attempt, journal: missing.journal});
    t.is(await new Handler({...terms, attempts: 3}, failing.house, stopping).handle(failing.message), outcome);
  }
});
