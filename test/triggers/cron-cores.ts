import test from 'ava';
import {MemoryJournal} from '../../src/journals/memory/journal.ts';
import {ManualClock} from '../helpers/clock.ts';
import {at, factsOf, hour, minute, noon, openCore} from '../helpers/cron.ts';

test('two cores on one journal fire every occurrence once', async t => {
  const clock = new ManualClock(noon);
  const journal = new MemoryJournal(clock);
  const one = await openCore(t, {clock, journal, core: 'one', leaseMs: hour});
  const two = await openCore(t, {clock, journal, core: 'two', leaseMs: hour});
  await clock.advance(20 * minute);
  const fired = [...one.occurrences(), ...two.occurrences()].sort();
  t.deepEqual(fired, Array.from({length: 20}, (_, index) => at(index + 1)).sort());
});

test('two cores whose clocks differ fire every occurrence once', async t => {
  const [early, late] = [new ManualClock(noon), new ManualClock(noon - 20_000)];
  const journal = new MemoryJournal(early);
  const one = await openCore(t, {clock: early, journal, core: 'one', leaseMs: hour});
  const two = await openCore(t, {clock: late, journal, core: 'two', leaseMs: hour});
  for (let second = 0; second < 300; second++) {
    await early.advance(1000);
    await late.advance(1000);
  }
  t.deepEqual([...one.occurrences(), ...two.occurrences()].sort(), [0, 1, 2, 3, 4, 5].map(at));
});

test('after a crash, an occurrence without a settled fact is delivered again, as the same invocation', async t => {
  const clock = new ManualClock(noon);
  const journal = new MemoryJournal(clock);
  const first = await openCore(t, {clock, journal, core: 'one', held: true});
  await clock.advance(minute);
  await first.crash();
  const second = await openCore(t, {clock, journal, core: 'two'});
  t.deepEqual(second.occurrences(), [at(1)]);
  t.is(second.runs[0]?.delivery.id, first.runs[0]?.delivery.id);
  t.is(second.runs[0]?.delivery.attempt, 2);
  await second.close();
  const third = await openCore(t, {clock, journal, core: 'three'});
  t.deepEqual(third.occurrences(), []);
});

test('an occurrence that never got its turn is not given up with the one that no core lived to see the end of', async t => {
  const clock = new ManualClock(noon);
  const journal = new MemoryJournal(clock);
  const first = await openCore(t, {clock, journal, core: 'core-1', held: true});
  await clock.advance(2 * minute);
  t.deepEqual(first.occurrences(), [at(1), at(2)]);
  await first.crash();
  for (let attempt = 2; attempt <= 8; attempt++) {
    const next = await openCore(t, {clock, journal, core: `core-${attempt}`, held: true});
    t.deepEqual(
      next.runs.map(run => [run.occurrence, run.delivery.attempt]),
      [[at(1), attempt]],
    );
    await next.crash();
  }
  const last = await openCore(t, {clock, journal, core: 'core-9'});
  t.deepEqual(
    last.runs.map(run => [run.occurrence, run.delivery.attempt]),
    [[at(2), 2]],
  );
  t.like(await factsOf(journal, 'schedule.missed'), [{occurrence: at(1), reason: 'given-up'}]);
});

test('what another core runs is left to it while it may be alive, and then taken over once', async t => {
  const clock = new ManualClock(noon);
  const journal = new MemoryJournal(clock);
  const one = await openCore(t, {clock, journal, core: 'one', leaseMs: 5 * minute, held: true, schedule: {cron: '1 12 * * *'}});
  const others: Awaited<ReturnType<typeof openCore>>[] = [];
  for (const core of ['two', 'three'])
    others.push(await openCore(t, {clock, journal, core, leaseMs: 5 * minute, schedule: {cron: '1 12 * * *'}}));
  await clock.advance(minute);
  t.is(one.runs.length, 1);
  await one.crash();
  const taken = () => others.flatMap(({occurrences}) => occurrences());
  await clock.advance(5 * minute - 1000);
  t.deepEqual(taken(), []);
  await clock.advance(2000);
  t.deepEqual(taken(), [at(1)]);
  await clock.advance(hour);
  t.deepEqual(taken(), [at(1)]);
});

test('an occurrence whose core ends each time is given up in the end', async t => {
  const clock = new ManualClock(noon);
  const journal = new MemoryJournal(clock);
  let deliveries = 0;
  for (let start = 0; start < 12; start++) {
    const core = await openCore(t, {clock, journal, core: `core-${start}`, held: true, schedule: {cron: '1 12 * * *'}});
    if (start === 0) await clock.advance(minute);
    deliveries += core.runs.length;
    await core.crash();
  }
  t.is(deliveries, 8);
  t.like((await factsOf(journal, 'schedule.missed'))[0], {first: at(1), reason: 'given-up'});
});
