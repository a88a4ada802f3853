import test from 'ava';
import {ConfigurationError} from '../../src/errors.ts';
import type {Durability} from '../../src/journal.ts';
import {MemoryJournal} from '../../src/journals/memory/journal.ts';
import {messageTrigger} from '../../src/messages/trigger.ts';
import {WorkHall} from '../../src/work/hall.ts';
import {ManualClock} from '../helpers/clock.ts';
import {fakeHouse} from '../helpers/fakes.ts';

/* What holds for an entry of every system of messages. */

const fake = messageTrigger({
  type: 'fake',
  read: () => undefined,
  open: async () => async () => {
    throw new Error('there is no broker');
  },
});

test('what a broker is to forget is handed over only to work that outlives the core', async t => {
  const clock = new ManualClock();
  const keeping = (durability: Durability) =>
    new WorkHall(new MemoryJournal(clock).work, {limits: {attempts: 1, deaths: 1}, most: 1, durability, isKept: () => true}, clock);
  const open = (hall: WorkHall | undefined) => fake.open(fake.read({ack: 'accepted'}), {...fakeHouse({clock, hall}), name: 'orders'});
  for (const [hall, problem] of [
    [undefined, /^trigger `orders`: `ack`: expected CORE_WORK=on with accepted/],
    [keeping('buffered'), /^trigger `orders`: `ack`: expected a journal that outlives the core with accepted/],
  ] as const) {
    const error = await t.throwsAsync(async () => void (await open(hall)), {instanceOf: ConfigurationError});
    t.regex(error?.problems[0] ?? '', problem);
  }
  const opened = await open(keeping('fsync'));
  await opened[Symbol.asyncDispose]();
});
