import test from 'ava';
import {MemoryJournal} from '../../src/journals/memory/journal.ts';
import {newestFacts} from '../../src/projections/newest.ts';
import {ManualClock} from '../helpers/clock.ts';
import {countingScans} from '../helpers/counting-journal.ts';
import {fact} from '../helpers/journal-suite.ts';

test('the newest facts of a prefix are found, however old they are, the oldest of them first', async t => {
  const clock = new ManualClock();
  const journal = new MemoryJournal(clock);
  for (let index = 1; index <= 9; index++) {
    await journal.append(`a.${index}`, [fact(index)]);
    if (index === 4) await clock.advance(3_600_000);
  }
  await journal.append('b.1', [fact(10)]);
  const streams = async (prefix: string, most: number) => (await newestFacts(journal, prefix, most, clock.now())).map(({stream}) => stream);
  t.deepEqual(await streams('a.', 2), ['a.8', 'a.9']);
  t.deepEqual(await streams('a.', 6), ['a.4', 'a.5', 'a.6', 'a.7', 'a.8', 'a.9']);
  t.is((await streams('', 100)).length, 10);
  t.deepEqual(await streams('c.', 3), []);
});

test('a journal that has fewer is read once', async t => {
  const clock = new ManualClock();
  const {journal, scans} = countingScans(new MemoryJournal(clock));
  for (let index = 1; index <= 3; index++) await journal.append(`a.${index}`, [fact(index)]);
  t.is((await newestFacts(journal, '', 10, clock.now())).length, 3);
  t.is(scans(), 1);
});
