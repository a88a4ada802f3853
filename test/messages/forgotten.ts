import test from 'ava';
import {Handler} from '../../src/messages/handler.ts';
import {ManualClock, settle} from '../helpers/clock.ts';
import {place, terms} from '../helpers/handled-message.ts';
import {all} from '../helpers/journal-suite.ts';

/* Messages that the broker has forgotten when it has handed them out. */

test('a message that its broker has forgotten is put aside when the core stops before its next attempt', async t => {
  const {house, message, told, journal} = place(500, {isForgotten: true});
  const {giveBack: _, ...forgotten} = message;
  const stopping = new AbortController();
  const handled = new Handler({...terms, attempts: 3}, {...house, clock: new ManualClock()}, stopping.signal).handle(forgotten);
  await settle();
  stopping.abort();
  t.is(await handled, 'buried');
  t.deepEqual(told, ['bury']);
  const facts = await all(journal.scan('invocation.'));
  t.like(facts.at(-1)?.fact, {type: 'invocation.settled', data: {outcome: 'dead-lettered', status: 500}});
});

test('a message that its broker has forgotten is tried on when its connection is lost', async t => {
  const clock = new ManualClock();
  const {house, message, told, calls} = place(500, {isForgotten: true});
  const {giveBack: _, ...forgotten} = message;
  const lost = new AbortController();
  const handled = new Handler({...terms, attempts: 2}, {...house, clock}, new AbortController().signal).handle(forgotten, lost.signal);
  await settle();
  lost.abort();
  await settle();
  t.deepEqual(told, [], 'it waits for its next attempt');
  await clock.advance(1000);
  t.is(await handled, 'buried');
  t.is(calls(), 2);
});

test('a message that its broker has forgotten is given up when it can be put aside nowhere, as its connection is lost', async t => {
  const waits: number[] = [];
  const clock = Object.assign(new ManualClock(), {sleep: async (ms: number) => waits.push(ms) > 0});
  const {house, message, calls} = place(500, {
    isForgotten: true,
    bury: async () => {
      throw new Error('the connection was closed');
    },
  });
  const {giveBack: _, ...forgotten} = message;
  const handler = new Handler({...terms, attempts: 1}, {...house, clock}, new AbortController().signal);
  t.is(await handler.handle(forgotten, AbortSignal.abort()), 'unacknowledged');
  t.deepEqual(waits, [1000, 2000, 4000, 8000, 16_000]);
  t.is(calls(), 1);
});
