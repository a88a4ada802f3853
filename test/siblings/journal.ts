import test from 'ava';
import type {Fact} from '../../src/facts.ts';
import {LeadersJournal} from '../../src/siblings/journal.ts';
import {ManualClock, settle} from '../helpers/clock.ts';
import {fact} from '../helpers/journal-suite.ts';

/** A leader that takes what it is asked to when the test says so. */
function open() {
  const asked: {streams: string[]; take: () => void; refuse: () => void}[] = [];
  let shed = 0;
  const add = (facts: number) => {
    shed += facts;
  };
  const channel = {
    ask: (_question: string, argument: unknown) =>
      new Promise<never>((resolve, reject) => {
        const streams = (argument as [string][]).map(([stream]) => stream); // records
        asked.push({streams, take: () => resolve(undefined as never), refuse: () => reject(new Error('gone'))});
      }),
  };
  const journal = new LeadersJournal(channel, {clock: new ManualClock(), shed: add});
  return {journal, asked, shed: () => shed};
}

const one: [Fact] = [fact(1)];
const large = [{name: 'p', bytes: Buffer.alloc(16 * 2 ** 20)}];

test('past what may be on its way, facts are dropped and counted, until the leader has taken some', async t => {
  const {journal, asked, shed} = open();
  journal.record('a', one, large);
  journal.record('b', one);
  await settle();
  journal.record('c', [fact(1), fact(2)]);
  t.is(shed(), 3);
  t.deepEqual(
    asked.map(({streams}) => streams),
    [['a']],
  );
  asked[0]?.take();
  await settle();
  journal.record('d', one);
  await settle();
  t.is(shed(), 3);
  t.deepEqual(asked.at(-1)?.streams, ['d']);
});

test('a leader that is gone takes its facts with it, and holds nothing up', async t => {
  const {journal, asked, shed} = open();
  journal.record('a', one, large);
  const closed = journal[Symbol.asyncDispose]();
  asked[0]?.refuse();
  await t.notThrowsAsync(closed);
  journal.record('b', one);
  t.is(shed(), 0);
});

test('what comes in one turn of the event loop is one message', async t => {
  const {journal, asked} = open();
  for (const stream of ['a', 'b', 'c']) journal.record(stream, one);
  await settle();
  t.deepEqual(
    asked.map(({streams}) => streams),
    [['a', 'b', 'c']],
  );
});

test('the leader reads, not a sibling', async t => {
  const {journal} = open();
  await t.throwsAsync(journal.last(), {instanceOf: TypeError});
});
