import test from 'ava';
import {MemoryJournal} from '../../src/journals/memory/journal.ts';
import {ManualClock, settle} from '../helpers/clock.ts';
import {at, minute, noon, openCore} from '../helpers/cron.ts';

test('closing while an occurrence is being claimed fires it no more, and leaves its claim to the next start', async t => {
  const clock = new ManualClock(noon);
  const journal = new MemoryJournal(clock);
  const gate = Promise.withResolvers<void>();
  const append = journal.append.bind(journal);
  journal.append = async (...given) => {
    if (given[0].startsWith('schedule.')) await gate.promise;
    return append(...given);
  };
  const {runs, close} = await openCore(t, {clock, journal});
  await clock.advance(minute);
  const closing = close();
  gate.resolve();
  await closing;
  t.is(runs.length, 0);
  const next = await openCore(t, {clock, journal, core: 'core-2'});
  t.deepEqual(next.occurrences(), [at(1)]);
});

test('closing waits for what runs', async t => {
  const {clock, runs, close} = await openCore(t, {held: true});
  await clock.advance(minute);
  let isClosed = false;
  const closing = close().then(() => {
    isClosed = true;
  });
  await settle();
  t.false(isClosed);
  runs[0]?.end();
  await closing;
  t.true(isClosed);
});

test('while the close waits for what runs, nothing else is fired, however long it takes', async t => {
  const {clock, runs, schedules, close} = await openCore(t, {held: true});
  await clock.advance(minute);
  const closing = close();
  await clock.advance(60 * minute);
  t.like(await schedules.fire('nightly'), {why: 'conflict'});
  t.is(runs.length, 1);
  runs[0]?.end();
  await closing;
  t.is(clock.pending, 0);
});
