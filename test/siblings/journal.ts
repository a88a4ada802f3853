import test from 'ava';
import type {Fact} from '../../src/facts.ts';
import {LeadersJournal} from '../../src/serve/siblings/journal.ts';
import type {Records, WrittenRecord} from '../../src/serve/siblings/words.ts';
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
        const streams = (JSON.parse((argument as Records).text) as WrittenRecord[]).map(([stream]) => stream);
        asked.push({streams, take: () => resolve(undefined as never), refuse: () => reject(new Error('gone'))});
      }),
  };
  const clock = new ManualClock();
  let payloadsShed = 0;
  const addPayloads = (payloads: number) => {
    payloadsShed += payloads;
  };
  const journal = new LeadersJournal(channel, {clock, shed: add, payloadsShed: addPayloads});
  return {journal, asked, clock, linger: () => clock.advance(10), shed: () => shed, payloadsShed: () => payloadsShed};
}

const one: [Fact] = [fact(1)];
const large = [{name: 'p', bytes: Buffer.alloc(16 * 2 ** 20)}];

test('past what may be on its way, facts are dropped and counted, until the leader has taken some', async t => {
  const {journal, asked, shed, linger} = open();
  journal.record('a', one, large);
  journal.record('b', one);
  await linger();
  journal.record('c', [fact(1), fact(2)]);
  t.is(shed(), 3);
  t.deepEqual(
    asked.map(({streams}) => streams),
    [['a']],
  );
  asked[0]?.take();
  await settle();
  journal.record('d', one);
  await linger();
  t.is(shed(), 3);
  t.deepEqual(asked.at(-1)?.streams, ['d']);
});

test('past half of what may be on its way, payloads are dropped and counted, and their facts are kept', async t => {
  const {journal, asked, shed, payloadsShed, linger} = open();
  const half = [{name: 'p', bytes: Buffer.alloc(8 * 2 ** 20)}];
  for (const stream of ['a', 'b', 'c']) journal.record(stream, one, half);
  await linger();
  t.is(payloadsShed(), 2);
  t.is(shed(), 0);
  asked[0]?.take();
  await settle();
  t.deepEqual(
    asked.map(({streams}) => streams),
    [['a'], ['b', 'c']],
  );
});

test('one part is on its way at a time, so that signs of life are not behind all of them', async t => {
  const {journal, asked, linger, shed} = open();
  const part = [{name: 'p', bytes: Buffer.alloc(600 * 2 ** 10)}];
  for (const stream of ['a', 'b', 'c']) journal.record(stream, one, part);
  journal.record('d', one);
  await linger();
  journal.record('e', one);
  await linger();
  t.deepEqual(
    asked.map(({streams}) => streams),
    [['a']],
  );
  for (let parts = 0; parts < 3; parts++) {
    asked.at(-1)?.take();
    await settle();
  }
  t.deepEqual(
    asked.map(({streams}) => streams),
    [['a'], ['b'], ['c', 'd', 'e']],
  );
  asked.at(-1)?.take();
  await journal[Symbol.asyncDispose]();
  t.is(shed(), 0);
});

test('at the end of the process all facts leave at once, before its last account, and the wait for them is bounded', async t => {
  const {journal, asked, linger, clock} = open();
  journal.record('a', one, [{name: 'p', bytes: Buffer.alloc(2 * 2 ** 20)}]);
  await linger();
  journal.record('b', one);
  const closed = journal[Symbol.asyncDispose]();
  t.deepEqual(
    asked.map(({streams}) => streams),
    [['a'], ['b']],
  );
  asked[0]?.take();
  await clock.advance(2000);
  await t.notThrowsAsync(closed);
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

test('facts that come within a hundredth of a second are one message', async t => {
  const {journal, asked, linger} = open();
  for (const stream of ['a', 'b', 'c']) journal.record(stream, one);
  await linger();
  t.deepEqual(
    asked.map(({streams}) => streams),
    [['a', 'b', 'c']],
  );
});

test('a sibling’s journal is only written: the leader reads', t => {
  const {journal} = open();
  for (const name of ['last', 'read', 'scan', 'follow', 'payload', 'before']) t.false(name in journal, name);
});

test('payloads stay with their records', async t => {
  const sent: Records[] = [];
  const channel = {ask: async (_question: string, argument: unknown) => void sent.push(argument as Records) as never};
  const journal = new LeadersJournal(channel, {clock: new ManualClock(), shed: () => t.fail(), payloadsShed: () => t.fail()});
  const payloads = [{name: 'p', bytes: Buffer.from('body')}];
  journal.record('a', one);
  journal.record('b', one, payloads);
  await journal[Symbol.asyncDispose]();
  t.deepEqual(sent, [
    {
      text: JSON.stringify([
        ['a', one],
        ['b', one],
      ]),
      payloads: new Map([[1, payloads]]),
    },
  ]);
});
