import {randomUUIDv7} from 'node:crypto';
import test, {type ExecutionContext} from 'ava';
import {MemoryJournal} from '../../src/journals/memory/journal.ts';
import {Pause} from '../../src/pause.ts';
import {WorkHall} from '../../src/work/hall.ts';
import {workOf} from '../../src/work/pause.ts';
import type {WorkLimits, WorkStore} from '../../src/work.ts';
import {Runner} from '../../triggers/work/runner.ts';
import {ManualClock, settle} from '../helpers/clock.ts';
import {fakeHouse, recordingLog} from '../helpers/fakes.ts';

/* A pause of work holds for every core on the journal. */

/** A core on a journal, whose items are not run: they are only claimed. */
function core(t: ExecutionContext, journal: MemoryJournal, clock: ManualClock, name: string) {
  const log = recordingLog();
  const house = fakeHouse({clock, journal, log, core: name, cores: {leaseMs: 15_000, isAlive: async () => true}});
  const claimed: string[] = [];
  const store = {
    nextDue: () => journal.work.nextDue(),
    async claim(most: number, limits: WorkLimits) {
      for (const {id} of await journal.work.claim(most, limits)) claimed.push(`${name} ${id}`);
      return [];
    },
  } as unknown as WorkStore; // as far as it is used
  const hall = new WorkHall(store, {limits: {attempts: 3, deaths: 3}, most: 10, durability: 'buffered', isKept: () => true}, clock);
  const runner = new Runner(house, hall, {concurrency: 1});
  t.teardown(() => runner.close());
  return {runner, claimed, log, pause: new Pause(workOf(name), {journal, clock})};
}

async function send(journal: MemoryJournal, now: number): Promise<void> {
  const item = {id: randomUUIDv7(), acceptedAt: now, due: now};
  await journal.work.enqueue(item, {
    facts: [{type: 'invocation.accepted', data: {source: 'work', bytes: 0, attempt: 1}}],
    payloads: [],
    most: 10,
  });
}

test('a core starts nothing when work was paused before its start, and goes on when another one resumes it', async t => {
  const clock = new ManualClock();
  const journal = new MemoryJournal(clock);
  await new Pause(workOf('gone'), {journal, clock}).set(true);
  await send(journal, clock.now());
  const {runner, claimed, log, pause} = core(t, journal, clock, 'one');
  await clock.advance(10_000);
  t.true(runner.isPaused);
  t.deepEqual(claimed, []);
  t.deepEqual(
    log.lines.map(({level, message}) => [level, message]),
    [['warn', 'Work is paused, since before this start: nothing is started until it is resumed']],
  );
  await pause.set(false);
  await clock.advance(1000);
  t.false(runner.isPaused);
  t.is(claimed.length, 1);
});

test('what one core pauses, the others pause within a second', async t => {
  const clock = new ManualClock();
  const journal = new MemoryJournal(clock);
  const cores = ['one', 'two', 'three'].map(name => core(t, journal, clock, name));
  await settle();
  await cores[0]?.pause.set(true);
  cores[0]?.runner.pause(true); // as the route does
  await clock.advance(1000);
  t.deepEqual(
    cores.map(({runner}) => runner.isPaused),
    [true, true, true],
  );
  t.deepEqual(
    cores.map(({log}) => log.lines.length),
    [0, 1, 1],
  );
  await send(journal, clock.now());
  for (const {runner} of cores) runner.wake();
  await clock.advance(5000);
  t.deepEqual(
    cores.flatMap(({claimed}) => claimed),
    [],
  );
});

test('what is asked of a core while it reads is not undone by what it has read', async t => {
  const clock = new ManualClock();
  const journal = new MemoryJournal(clock);
  const {runner} = core(t, journal, clock, 'one');
  await settle();
  const {promise, resolve} = Promise.withResolvers<undefined>();
  const last = journal.last.bind(journal);
  journal.last = () => promise;
  await clock.advance(1000);
  runner.pause(true);
  journal.last = last;
  resolve(undefined);
  await settle();
  t.true(runner.isPaused);
});

test('a core whose journal is away stays as it was', async t => {
  const clock = new ManualClock();
  const journal = new MemoryJournal(clock);
  const {runner, pause} = core(t, journal, clock, 'one');
  await pause.set(true);
  await clock.advance(1000);
  t.true(runner.isPaused);
  const last = journal.last.bind(journal);
  journal.last = () => Promise.reject(new Error('away'));
  await clock.advance(10_000);
  t.true(runner.isPaused);
  journal.last = last;
  await pause.set(false);
  await clock.advance(1000);
  t.false(runner.isPaused);
});
