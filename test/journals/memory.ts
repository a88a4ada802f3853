import test from 'ava';
import {RevisionConflict} from '../../src/journal.ts';
import {MemoryJournal} from '../../src/journals/memory/journal.ts';
import {ManualClock} from '../helpers/clock.ts';
import {all, fact, journalSuite, numbers} from '../helpers/journal-suite.ts';

journalSuite('memory', (_t, clock) => new MemoryJournal(clock));

test('a receipt of memory promises nothing', async t => {
  const journal = new MemoryJournal(new ManualClock());
  t.deepEqual(await journal.append('a', [fact(1)]), {position: 1, durability: 'buffered'});
});

test('the oldest facts are forgotten, positions go on', async t => {
  const journal = new MemoryJournal(new ManualClock(), {keep: 10});
  for (let number = 1; number <= 25; number++) await journal.append(`s${number % 5}`, [fact(number)]);
  const stop = new AbortController();
  const kept: number[] = [];
  for await (const {position} of journal.follow({after: 0, signal: stop.signal})) {
    kept.push(position);
    if (position === 25) stop.abort();
  }
  t.deepEqual(
    kept,
    Array.from({length: kept.length}, (_, index) => 26 - kept.length + index),
  );
  t.true(kept.length >= 10 && kept.length <= 20);
  t.is((await journal.last('s0'))?.position, 25);
  t.is((await journal.append('s0', [fact(26)], {expect: 25})).position, 26);
});

test('a stream whose newest fact is kept keeps its revision, one that is forgotten may begin again', async t => {
  const journal = new MemoryJournal(new ManualClock(), {keep: 5});
  await journal.append('old', [fact(0)]);
  for (let number = 1; number <= 20; number++) await journal.append('new', [fact(number)]);
  t.is(await journal.last('old'), undefined);
  t.deepEqual(await all(journal.read('old')), []);
  await t.throwsAsync(journal.append('new', [fact(9)], {expect: 0}), {instanceOf: RevisionConflict});
  const {position} = await journal.append('old', [fact(21)], {expect: 0});
  t.is(position, 22);
  t.deepEqual(numbers(await all(journal.read('old'))), [21]);
});
