import test from 'ava';
import {MemoryJournal} from '../../src/journals/memory/journal.ts';
import {Handler} from '../../src/messages/handler.ts';
import type {ListedHouse} from '../../src/trigger.ts';
import {WorkHall} from '../../src/work/hall.ts';
import {ManualClock} from '../helpers/clock.ts';
import {place, terms} from '../helpers/handled-message.ts';

/* Messages that are handed to work. */

/** A handler that hands its messages to work, which is kept there. */
function handingOver(house: ListedHouse, {work}: MemoryJournal) {
  const options = {limits: {attempts: 1, deaths: 1}, most: 10, durability: 'fsync', isKept: () => true} as const;
  const hall = new WorkHall(work, options, new ManualClock());
  return new Handler({...terms, ack: 'accepted'}, {...house, hall}, new AbortController().signal);
}

test('a message that its broker has forgotten, and work has no room for, is put aside when the core stops', async t => {
  const journal = new MemoryJournal(new ManualClock());
  const {house, message, told} = place(200, {journal, isForgotten: true, key: undefined});
  const {giveBack: _, ...forgotten} = message;
  const options = {limits: {attempts: 1, deaths: 1}, most: 0, durability: 'fsync', isKept: () => true} as const;
  const hall = new WorkHall(journal.work, options, new ManualClock());
  const handler = new Handler({...terms, ack: 'accepted'}, {...house, hall}, AbortSignal.abort());
  t.is(await handler.handle(forgotten), 'buried');
  t.deepEqual(told, ['bury']);
});

test('a message that was tried while its entry said `settled` is tried on, and not taken for one that work has', async t => {
  const journal = new MemoryJournal(new ManualClock());
  const failing = place(500, {journal});
  t.is(await new Handler(terms, failing.house, new AbortController().signal).handle(failing.message), 'given-back');
  const again = place(200, {journal, attempt: 2});
  t.is(await handingOver(again.house, journal).handle(again.message), 'done');
  t.is(again.calls(), 1);
  t.is(await handingOver(again.house, journal).handle(again.message), 'duplicate', 'it is over');
  const next = place(200, {journal, key: 'orders/2'});
  t.is(await handingOver(next.house, journal).handle(next.message), 'accepted');
  t.is(await handingOver(next.house, journal).handle(next.message), 'duplicate', 'work has it');
  t.is(next.calls(), 0);
});

test('work learns of what trace a message is', async t => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  for (const [given, kept] of [
    [traceparent, traceparent],
    ['a b', undefined],
  ] as const) {
    const journal = new MemoryJournal(new ManualClock());
    const {house, message} = place(200, {journal, attributes: ['TraceParent', given]});
    t.is(await handingOver(house, journal).handle(message), 'accepted');
    t.is((await journal.work.list({limit: 1}))[0]?.traceparent, kept);
  }
});
