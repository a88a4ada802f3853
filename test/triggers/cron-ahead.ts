import test from 'ava';
import {MemoryJournal} from '../../src/journals/memory/journal.ts';
import {ManualClock} from '../helpers/clock.ts';
import {at, factsOf, hour, minute, noon, openCore, pastJournal} from '../helpers/cron.ts';

const day = 24 * hour;
const told = (core: {meter: {calls: readonly (readonly unknown[])[]}}, name: string) =>
  core.meter.calls.filter(([each]) => each === name).map(([, , ...values]) => (values.length === 1 ? values[0] : values));

/** A journal that a core with a clock ahead of noon has written for so many minutes, after one at noon that was right. */
async function journalAhead(t: Parameters<typeof openCore>[0], aheadMs: number, minutes: number, schedule: object = {}) {
  const clock = new ManualClock(noon - 2 * minute);
  const journal = new MemoryJournal(clock);
  const before = await openCore(t, {clock, journal, core: 'before', schedule});
  await clock.advance(2 * minute);
  await before.close();
  clock.setWall(noon + aheadMs);
  const ahead = await openCore(t, {clock, journal, core: 'ahead', schedule});
  await clock.advance(minutes * minute);
  await ahead.close();
  clock.setWall(noon + 30_000);
  return {clock, journal, ahead};
}

for (const aheadMs of [hour, day, 400 * day]) {
  test(`a start with the clock ${aheadMs / hour} hours ahead silences no schedule once the clock is right`, async t => {
    const {clock, journal, ahead} = await journalAhead(t, aheadMs, 3);
    t.is(ahead.occurrences().length, 3);
    const core = await openCore(t, {clock, journal, core: 'right'});
    await clock.advance(5 * minute);
    t.deepEqual(core.occurrences(), [1, 2, 3, 4, 5].map(at));
    t.like(core.log.lines[0], {
      level: 'warn',
      fields: {schedule: 'nightly', occurrences: 3, first: ahead.occurrences()[0], last: ahead.occurrences()[2]},
    });
    t.deepEqual(told(core, 'scheduleHeld'), [false]);
  });
}

test('what was fired before its time is passed over when that comes, said once, and seen in a metric', async t => {
  const {clock, journal} = await journalAhead(t, hour, 3);
  const core = await openCore(t, {clock, journal, core: 'right'});
  await clock.advance(hour + 5 * minute);
  const minutes = Array.from({length: 65}, (_, index) => index + 1).filter(each => each < 61 || each > 63);
  t.deepEqual(core.occurrences(), minutes.map(at));
  t.deepEqual(told(core, 'scheduleHeld'), [false, true, false]);
  const lines = core.log.lines.filter(({message}) => message.startsWith('Passed over'));
  t.like(lines, [{level: 'warn', fields: {schedule: 'nightly', occurrence: at(61), until: at(63)}}]);
  t.is(lines.length, 1);
});

test('a claim of 2099 that was imported silences nothing, and is not delivered before its time', async t => {
  const clock = new ManualClock(noon);
  const journal = new MemoryJournal(clock);
  const occurrence = '2099-01-01T00:00:00Z';
  const data = {name: 'nightly', occurrence, cron: '* * * * *', timezone: 'UTC', invocationId: 'x', attempt: 1, core: 'c'};
  await journal.append(`schedule.nightly.${occurrence}`, [{type: 'schedule.fired', data}]);
  for (const schedule of [{}, {overlap: 'forbid'}, {overlap: 'replace'}, {catchUp: 'all(9)'}]) {
    const core = await openCore(t, {clock, journal, core: JSON.stringify(schedule), schedule});
    const from = clock.now();
    await clock.advance(2 * minute);
    t.deepEqual(
      core.occurrences(),
      [1, 2].map(minutes => at((from - noon) / minute + minutes)),
    );
    t.like(core.log.lines[0], {level: 'warn', fields: {schedule: 'nightly', occurrences: 1, last: occurrence}});
    await core.close();
  }
});

test('what was missed in the future, and what was fired by hand there, silences nothing', async t => {
  const clock = new ManualClock(noon + day);
  const journal = new MemoryJournal(clock);
  const ahead = await openCore(t, {clock, journal, core: 'ahead', held: true, schedule: {overlap: 'forbid'}});
  void ahead.schedules.fire('nightly');
  await clock.advance(3 * minute);
  t.is((await factsOf(journal, 'schedule.missed')).length, 3);
  ahead.runs[0]?.end();
  await ahead.close();
  clock.setWall(noon + 30_000);
  const core = await openCore(t, {clock, journal, core: 'right', schedule: {overlap: 'forbid', catchUp: 'all(9)'}});
  await clock.advance(2 * minute);
  t.deepEqual(core.occurrences(), [at(1), at(2)]);
});

test('an occurrence that was begun before its time and is not over is delivered again when its time comes', async t => {
  const clock = new ManualClock(noon + hour);
  const journal = new MemoryJournal(clock);
  const ahead = await openCore(t, {clock, journal, core: 'ahead', held: true});
  await clock.advance(minute);
  await ahead.crash();
  clock.setWall(noon + 30_000);
  const core = await openCore(t, {clock, journal, core: 'right'});
  await clock.advance(hour);
  t.deepEqual(
    core.occurrences(),
    Array.from({length: 60}, (_, index) => at(index + 1)),
  );
  await clock.advance(minute);
  t.like(core.runs.at(-1), {occurrence: at(61)});
  t.is(core.runs.at(-1)?.delivery.attempt, 2);
});

test('with a clock that is behind, what was fired already is passed over, and that is seen', async t => {
  const clock = new ManualClock(noon);
  const journal = new MemoryJournal(clock);
  const before = await openCore(t, {clock, journal, core: 'before'});
  await clock.advance(10 * minute);
  await before.close();
  clock.setWall(noon + 30_000);
  const behind = await openCore(t, {clock, journal, core: 'behind'});
  await clock.advance(5 * minute);
  t.deepEqual(behind.occurrences(), []);
  t.deepEqual(told(behind, 'scheduleHeld'), [false, true]);
  clock.setWall(noon + 11 * minute + 1000);
  await clock.advance(minute);
  t.deepEqual(behind.occurrences(), [at(11), at(12)]);
  t.deepEqual(told(behind, 'scheduleHeld'), [false, true, false]);
});

test('after the clock is set back by an hour while the core runs, fired occurrences are not fired again, and the log says so', async t => {
  const core = await openCore(t);
  await core.clock.advance(2 * minute);
  core.clock.setWall(noon + hour);
  await core.clock.advance(2 * minute + 10_000);
  core.clock.setWall(noon + hour - minute);
  await core.clock.advance(11_000);
  t.like(core.log.lines.at(-1), {level: 'warn', fields: {schedule: 'nightly', until: at(62)}});
  t.deepEqual(told(core, 'scheduleHeld'), [false, true]);
  await core.clock.advance(5 * minute);
  t.is(new Set(core.occurrences()).size, core.occurrences().length);
  t.true(core.occurrences().includes(at(63)));
  t.deepEqual(told(core, 'scheduleHeld'), [false, true, false]);
});

test('the metric has the time of the next occurrence, also while the journal cannot be read: then it is in the past', async t => {
  const clock = new ManualClock(noon);
  const journal = new MemoryJournal(clock);
  // biome-ignore lint/correctness/useYield: it only fails
  journal.scan = async function* () {
    throw new Error('disk on fire');
  };
  const core = await openCore(t, {clock, journal});
  await clock.advance(10 * minute);
  t.deepEqual(told(core, 'scheduleNext'), [noon + minute]);
  const well = await openCore(t);
  await well.clock.advance(minute);
  t.is(told(well, 'scheduleNext').at(-1), noon + 2 * minute);
});

test('occurrences that did not run are counted by the reason, from 0 on', async t => {
  const core = await openCore(t, {held: true, schedule: {overlap: 'forbid'}});
  await core.clock.advance(3 * minute);
  core.clock.setWall(noon + 10 * minute + 500);
  await core.clock.advance(11_000);
  const counted = new Map<unknown, number>();
  for (const [, , reason, count] of core.meter.calls.filter(([name]) => name === 'scheduleMissed')) {
    counted.set(reason, (counted.get(reason) ?? 0) + Number(count));
  }
  t.deepEqual(Object.fromEntries(counted), {down: 0, late: 6, overlap: 3, 'given-up': 0});
});

for (const [when, startMs] of [
  ['at the start', noon + day],
  ['while the core runs', noon],
] as const) {
  test(`what was caught up of the future by a clock that was ahead ${when} is passed over when it comes, and that is seen`, async t => {
    const clock = new ManualClock(noon);
    const journal = await pastJournal(clock);
    clock.setWall(startMs);
    const core = await openCore(t, {clock, journal, schedule: {catchUp: 'all(3)'}});
    clock.setWall(noon + day);
    await clock.advance(11_000);
    const ahead = core.occurrences();
    clock.setWall(noon + day - 5 * minute - 30_000);
    await clock.advance(4 * minute + 10_000);
    t.deepEqual(told(core, 'scheduleHeld'), [false, true]);
    t.like(core.log.lines.at(-1), {level: 'warn', fields: {schedule: 'nightly', until: at(24 * 60)}});
    await clock.advance(3 * minute);
    t.deepEqual(told(core, 'scheduleHeld'), [false, true, false]);
    const minutes = [-5, -4, -3, -2, -1, 0, 1].map(each => at(24 * 60 + each));
    t.deepEqual(
      core.occurrences().slice(ahead.length),
      minutes.filter(each => !ahead.includes(each)),
    );
  });
}
