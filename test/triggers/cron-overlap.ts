import test from 'ava';
import {MemoryJournal} from '../../src/journals/memory/journal.ts';
import {ManualClock, settle} from '../helpers/clock.ts';
import {at, factsOf, minute, noon, openCore, pastJournal} from '../helpers/cron.ts';

test('overlap allow: an occurrence does not wait for the one before', async t => {
  const {clock, occurrences} = await openCore(t, {held: true});
  await clock.advance(2 * minute);
  t.deepEqual(occurrences(), [at(1), at(2)]);
});

test('overlap forbid: an occurrence is skipped while one before still runs, and noted', async t => {
  const {clock, runs, occurrences, journal} = await openCore(t, {held: true, schedule: {overlap: 'forbid'}});
  await clock.advance(2 * minute);
  runs[0]?.end();
  await clock.advance(minute);
  t.deepEqual(occurrences(), [at(1), at(3)]);
  t.like((await factsOf(journal, 'schedule.missed'))[0], {first: at(2), occurrence: at(2), count: 1, reason: 'overlap'});
});

test('overlap forbid: an occurrence that was skipped does not come back with the clock', async t => {
  const {clock, runs, occurrences} = await openCore(t, {held: true, schedule: {overlap: 'forbid'}});
  await clock.advance(2 * minute);
  runs[0]?.end();
  clock.setWall(noon + minute + 30_000);
  await clock.advance(minute);
  t.deepEqual(occurrences(), [at(1)]);
});

test('overlap replace: the earlier one is broken off, with any CORE_CANCEL, and over before the next begins', async t => {
  const {clock, runs, occurrences, journal} = await openCore(t, {held: true, schedule: {overlap: 'replace'}});
  await clock.advance(2 * minute);
  t.deepEqual(occurrences(), [at(1), at(2)]);
  t.true(runs[0]?.delivery.signal.aborted && runs[0].delivery.breaksOff);
  t.false(runs[1]?.delivery.signal.aborted);
  t.like((await factsOf(journal, 'invocation.settled'))[0], {outcome: 'cancelled'});
});

test('overlap replace: of two that come together, the earlier is replaced by the later', async t => {
  const {runs, schedules} = await openCore(t, {held: true, schedule: {overlap: 'replace'}});
  const wishes = [1, 2, 3].map(ago => schedules.fire('nightly', noon - ago));
  while (runs.length < 3) await settle();
  t.deepEqual(
    runs.map(({delivery}) => delivery.signal.aborted),
    [true, true, false],
  );
  runs[2]?.end();
  t.deepEqual(
    (await Promise.all(wishes)).map(outcome => 'status' in outcome && outcome.status),
    [499, 499, 200],
  );
});

test('overlap replace: what is caught up replaces nothing that is newer', async t => {
  const clock = new ManualClock(noon);
  const journal = await pastJournal(clock);
  clock.setWall(noon + 2 * minute + 59_000);
  const {runs, occurrences} = await openCore(t, {clock, journal, held: true, schedule: {overlap: 'replace', catchUp: 'all(2)'}});
  t.deepEqual(occurrences(), [at(1)]);
  await clock.advance(1000);
  t.deepEqual(occurrences(), [at(1), at(3)]);
  t.true(runs[0]?.delivery.signal.aborted);
  runs[1]?.end();
  await settle();
  t.deepEqual(occurrences(), [at(1), at(3), at(2)]);
  t.false(runs[1]?.delivery.signal.aborted);
});

test('overlap forbid: of two that come together, one runs', async t => {
  const {runs, schedules} = await openCore(t, {held: true, schedule: {overlap: 'forbid'}});
  const wishes = [1, 2].map(ago => schedules.fire('nightly', noon - ago));
  await settle();
  t.is(runs.length, 1);
  runs[0]?.end();
  t.deepEqual(
    (await Promise.all(wishes)).map(outcome => 'refused' in outcome),
    [false, true],
  );
});

test('overlap forbid: a core that starts knows what another one runs', async t => {
  const clock = new ManualClock(noon);
  const journal = new MemoryJournal(clock);
  const options = {clock, journal, leaseMs: 5 * minute, schedule: {overlap: 'forbid'}, held: true};
  const one = await openCore(t, {...options, core: 'one'});
  await clock.advance(minute);
  t.is(one.runs.length, 1);
  const two = await openCore(t, {...options, core: 'two'});
  await clock.advance(2 * minute);
  t.is(two.runs.length, 0);
});

test('overlap forbid holds across cores, as long as the other one may be alive', async t => {
  const clock = new ManualClock(noon);
  const journal = new MemoryJournal(clock);
  const schedule = {overlap: 'forbid'};
  const one = await openCore(t, {clock, journal, core: 'one', leaseMs: 5 * minute, schedule, held: true});
  const two = await openCore(t, {clock, journal, core: 'two', leaseMs: 5 * minute, schedule, held: true});
  await clock.advance(4 * minute);
  t.deepEqual([...one.occurrences(), ...two.occurrences()], [at(1)]);
});
