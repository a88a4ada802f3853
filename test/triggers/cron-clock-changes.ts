import test from 'ava';
import {ManualClock} from '../helpers/clock.ts';
import {at, factsOf, hour, minute, noon, openCore} from '../helpers/cron.ts';

test('a wall clock that is set is noticed without any other event', async t => {
  const {clock, occurrences} = await openCore(t, {schedule: {cron: '0 * * * *'}});
  clock.setWall(noon + hour - 1);
  await clock.advance(10_000);
  t.deepEqual(occurrences(), [at(60)]);
  clock.setWall(noon + hour - minute);
  await clock.advance(2 * minute);
  t.deepEqual(occurrences(), [at(60)]);
});

test('what a leap of the clock skipped is noted as missed', async t => {
  const {clock, occurrences, journal} = await openCore(t);
  clock.setWall(noon + 10 * minute + 500);
  await clock.advance(10_000);
  t.deepEqual(occurrences(), [at(10)]);
  t.deepEqual(await factsOf(journal, 'schedule.missed'), [
    {name: 'nightly', occurrence: at(9), cron: '* * * * *', timezone: 'UTC', first: at(1), count: 9, reason: 'late'},
  ]);
});

test('a clock that is set right after a leap fires what had only been noted as missed', async t => {
  const {clock, occurrences} = await openCore(t);
  clock.setWall(noon + 10 * minute + 500);
  await clock.advance(10_000);
  clock.setWall(noon + 500);
  await clock.advance(11 * minute);
  t.deepEqual(occurrences(), [at(10), ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 11].map(at)]);
});

test('a night with a change of the clocks, second by second: once each', async t => {
  const drills: [schedule: object, from: number, expected: string[]][] = [
    [{cron: '30 2 * * *', timezone: 'Europe/Paris'}, Date.UTC(2026, 2, 28, 22), ['2026-03-29T01:00:00Z']],
    [{cron: '30 2 * * *', timezone: 'Europe/Paris'}, Date.UTC(2026, 9, 24, 22), ['2026-10-25T00:30:00Z']],
    [{cron: '30 1 * * *', timezone: 'America/New_York'}, Date.UTC(2026, 10, 1, 4), ['2026-11-01T05:30:00Z']],
  ];
  for (const [schedule, from, expected] of drills) {
    const {clock, occurrences} = await openCore(t, {clock: new ManualClock(from), schedule});
    await clock.advance(5 * hour);
    t.deepEqual(occurrences(), expected);
  }
});
