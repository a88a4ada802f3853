import test from 'ava';
import {Fault} from '../../src/errors.ts';
import {NatsJournal} from '../../src/journals/nats/journal.ts';
import {subjectsOf} from '../../src/journals/nats/subjects.ts';
import {Away, type Transport} from '../../src/journals/nats/transport.ts';
import {ManualClock, settle} from '../helpers/clock.ts';
import {recordingLog, recordingMeter} from '../helpers/fakes.ts';
import {retention} from '../helpers/sqlite-journal.ts';

/* A journal whose servers are there when it is opened, and keep nothing. */

test('a journal that could not begin asks its servers for nothing more: another one is opened in its place', async t => {
  const clock = new ManualClock();
  let asked = 0;
  const transport = {
    isConnected: true,
    server: {name: 'one'},
    async request() {
      asked++;
      throw new Away('No server answered in time');
    },
    change: async () => false,
    subscribe: () => () => {},
    onChange() {},
    onBreak() {},
  } as unknown as Transport; // as far as it is used
  const house = {clock, log: recordingLog(), meter: recordingMeter(), core: 'core'};
  const journal = new NatsJournal({transport, subjects: subjectsOf('shop'), retention, durability: 'replicated'}, house);
  let failure: unknown;
  const beginning = journal.begin().catch((error: unknown) => {
    failure = error;
  });
  const pass = async () => {
    await clock.advance(500);
    await settle();
  };
  while (failure === undefined) await pass();
  await beginning;
  t.true(failure instanceof Fault);
  asked = 0;
  for (let times = 0; times < 120; times++) await pass();
  t.is(asked, 0);
});
