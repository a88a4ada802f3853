import test from 'ava';
import {MemoryJournal} from '../../src/journals/memory/journal.ts';
import {ManualClock, settle} from '../helpers/clock.ts';
import {at, factsOf, hour, minute, noon, openCore, pastJournal} from '../helpers/cron.ts';

test('the first start has missed nothing', async t => {
  const {journal, runs} = await openCore(t, {clock: new ManualClock(noon + 30_000), schedule: {catchUp: 'all(5)'}});
  t.is(runs.length, 0);
  t.deepEqual(await factsOf(journal, 'schedule.missed'), []);
});

const downtimes: [catchUp: string, run: number[], missed: [first: number, last: number, count: number] | undefined][] = [
  ['none', [], [1, 5, 5]],
  ['latest', [5], [1, 4, 4]],
  ['all(2)', [4, 5], [1, 3, 3]],
  ['all(9)', [1, 2, 3, 4, 5], undefined],
];
for (const [catchUp, run, missed] of downtimes) {
  test(`after downtime, catchUp ${catchUp} runs ${run.length} of five and notes the others`, async t => {
    const clock = new ManualClock(noon);
    const journal = await pastJournal(clock);
    clock.setWall(noon + 5 * minute + 1);
    const {occurrences} = await openCore(t, {clock, journal, schedule: {catchUp}});
    t.deepEqual(occurrences(), run.map(at));
    const facts = await factsOf(journal, 'schedule.missed');
    t.is(facts.length, missed ? 1 : 0);
    if (missed) t.like(facts[0], {first: at(missed[0]), occurrence: at(missed[1]), count: missed[2], reason: 'down'});
    await clock.advance(minute);
    t.deepEqual(occurrences(), [...run, 6].map(at));
  });
}

test('downtime is noted once, whichever cores start, and however often', async t => {
  const clock = new ManualClock(noon);
  const journal = await pastJournal(clock);
  clock.setWall(noon + 5 * minute + 1);
  for (const core of ['core-1', 'core-2', 'core-3']) await (await openCore(t, {clock, journal, core})).close();
  t.is((await factsOf(journal, 'schedule.missed')).length, 1);
});

test('a schedule whose rule was changed has lost nothing of its new rule', async t => {
  const clock = new ManualClock(noon);
  const journal = await pastJournal(clock, {cron: '0 * * * *'});
  clock.setWall(noon + 5 * minute + 1);
  const {runs} = await openCore(t, {clock, journal, schedule: {catchUp: 'all(9)'}});
  t.is(runs.length, 0);
});

test('what is caught up goes one after the other', async t => {
  const clock = new ManualClock(noon);
  const journal = await pastJournal(clock);
  clock.setWall(noon + 3 * minute + 1);
  const {runs, occurrences} = await openCore(t, {clock, journal, schedule: {catchUp: 'all(3)'}, held: true});
  t.deepEqual(occurrences(), [at(1)]);
  runs[0]?.end();
  await settle();
  t.deepEqual(occurrences(), [at(1), at(2)]);
});

test('what was fired by hand does not hide what was lost', async t => {
  const clock = new ManualClock(noon);
  const journal = await pastJournal(clock);
  const first = await openCore(t, {clock, journal, schedule: {jitter: '1h'}});
  await clock.advance(90_000);
  await first.schedules.fire('nightly');
  await first.close();
  clock.setWall(noon + 4 * hour);
  const second = await openCore(t, {clock, journal, core: 'two', schedule: {jitter: '1h', catchUp: 'all(1000)'}});
  t.true(second.occurrences().includes(at(1)));
});

test('of a schedule that was only fired by hand, what was lost since then is known', async t => {
  const clock = new ManualClock(noon);
  const journal = new MemoryJournal(clock);
  const first = await openCore(t, {clock, journal, schedule: {catchUp: 'latest'}});
  await clock.advance(30_000);
  await first.schedules.fire('nightly', noon - hour);
  await first.close();
  clock.setWall(noon + 3 * minute + 1);
  const second = await openCore(t, {clock, journal, core: 'two', schedule: {catchUp: 'latest'}});
  t.deepEqual(second.occurrences(), [at(3)]);
});
