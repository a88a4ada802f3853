import test from 'ava';
import {ManualClock} from '../helpers/clock.ts';
import {at, hour, minute, noon, openCore, pastJournal} from '../helpers/cron.ts';

test('by hand: an unknown schedule, a time to come and an occurrence that has fired are refused', async t => {
  const {clock, runs, schedules} = await openCore(t);
  await clock.advance(minute);
  t.like(await schedules.fire('weekly'), {why: 'unknown', refused: 'there is no schedule `weekly`; there is nightly'});
  t.like(await schedules.fire('nightly', noon + hour), {why: 'invalid'});
  t.like(await schedules.fire('nightly', noon + minute), {
    why: 'conflict',
    refused: `${at(1)} of nightly was already fired, as invocation ${runs[0]?.delivery.id}`,
  });
  t.is(runs.length, 1);
});

test('by hand: a schedule that forbids overlap is refused while it runs, and after the close', async t => {
  const {clock, runs, schedules, close} = await openCore(t, {held: true, schedule: {overlap: 'forbid'}});
  await clock.advance(minute);
  t.like(await schedules.fire('nightly'), {why: 'conflict', refused: 'an earlier occurrence of nightly is still running'});
  runs[0]?.end();
  await close();
  t.like(await schedules.fire('nightly'), {why: 'conflict', refused: 'the runtime is shutting down'});
  t.is(runs.length, 1);
});

test('by hand: fires now, or a missed occurrence, and says what came of it', async t => {
  const clock = new ManualClock(noon);
  const journal = await pastJournal(clock);
  clock.setWall(noon + 2 * minute + 500);
  const {runs, schedules} = await openCore(t, {clock, journal});
  t.like(await schedules.fire('nightly'), {
    schedule: 'nightly',
    occurrence: '2026-01-01T12:02:00.500Z',
    invocationId: runs[0]?.delivery.id,
    status: 200,
  });
  t.like(await schedules.fire('nightly', noon + 2 * minute), {occurrence: at(2), status: 200});
  t.is(runs.length, 2);
});
