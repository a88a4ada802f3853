import test from 'ava';
import {Fault, type FaultCode} from '../../src/errors.ts';
import {MemoryJournal} from '../../src/journals/memory/journal.ts';
import {ManualClock, settle} from '../helpers/clock.ts';
import {at, factsOf, hour, minute, noon, openCore} from '../helpers/cron.ts';

const once = {cron: '1 12 * * *'};
const refused = (code: FaultCode, times: number, retryAfterS?: number) => () =>
  times-- > 0 ? new Fault(code, retryAfterS === undefined ? {} : {retryAfterS}) : undefined;

for (const code of ['POOL_BUSY', 'POOL_NOT_READY', 'POOL_GAVE_UP', 'DRAINING', 'INFLIGHT_FULL'] as const) {
  test(`${code}: an occurrence that did not reach the function is not over: it is delivered again, as the same invocation`, async t => {
    const {clock, journal, runs, log, meter} = await openCore(t, {schedule: once, refuse: refused(code, 2)});
    await clock.advance(minute);
    t.deepEqual(await factsOf(journal, 'invocation.settled'), []);
    t.is(runs.length, 0);
    await clock.advance(3000); // 1 s, 2 s
    t.is(runs[0]?.occurrence, at(1));
    t.is(runs[0]?.delivery.attempt, 3);
    const fired = await factsOf(journal, 'schedule.fired');
    t.deepEqual(
      fired.map(data => 'attempt' in data && [data.attempt, 'invocationId' in data && data.invocationId === runs[0]?.delivery.id]),
      [1, 2, 3].map(attempt => [attempt, true]),
    );
    t.like(await factsOf(journal, 'invocation.settled'), [{outcome: 'responded'}]);
    t.like(log.lines, [
      {level: 'warn', fields: {schedule: 'nightly', occurrence: at(1), attempt: 1, code, afterMs: 1000}},
      {level: 'warn', fields: {schedule: 'nightly', occurrence: at(1), attempt: 2, code, afterMs: 2000}},
    ]);
    const told = (name: string) => meter.calls.filter(([each]) => each === name).map(([, , value]) => value);
    t.deepEqual(told('scheduleFired'), [3], 'the true delay, once');
    t.deepEqual([told('scheduleWaits')[0], told('scheduleWaits')[1], told('scheduleWaits').at(-1)], [0, 1, 0]);
  });
}

test('what may have reached the function is over', async t => {
  const {clock, journal, runs} = await openCore(t, {schedule: once, refuse: refused('UPSTREAM_LOST', 1)});
  await clock.advance(hour);
  t.like(await factsOf(journal, 'invocation.settled'), [{code: 'UPSTREAM_LOST'}]);
  t.is(runs.length, 0);
});

test('an attempt that the journal did not take is made again under its number', async t => {
  const {clock, journal, runs} = await openCore(t, {schedule: once, refuse: refused('JOURNAL_FAILED', 9)});
  await clock.advance(hour);
  t.is(runs[0]?.delivery.attempt, 1);
  t.is((await factsOf(journal, 'schedule.fired')).length, 1);
});

test('it is tried again less and less often, once a minute in the end, and not before the function says so', async t => {
  const tried: number[] = [];
  const clock = new ManualClock(noon);
  const refuse = () => {
    tried.push(clock.monotonic() / 1000 - 60);
    return new Fault('POOL_BUSY');
  };
  await openCore(t, {clock, schedule: once, refuse});
  await clock.advance(6 * minute);
  t.deepEqual(tried, [0, 1, 3, 7, 15, 31, 63, 123, 183, 243]);
  const later = await openCore(t, {schedule: once, refuse: refused('POOL_BUSY', 1, 20)});
  await later.clock.advance(minute + 19_000);
  t.is(later.runs.length, 0);
  await later.clock.advance(1000);
  t.is(later.runs.length, 1);
});

test('at a stop it is left to the next start, however often that happens; attempts that did not reach the function do not count', async t => {
  const clock = new ManualClock(noon);
  const journal = new MemoryJournal(clock);
  const always = () => new Fault('DRAINING');
  const first = await openCore(t, {clock, journal, schedule: once, refuse: always});
  await clock.advance(minute);
  await first.close();
  for (let start = 2; start <= 12; start++) {
    const next = await openCore(t, {clock, journal, core: `core-${start}`, schedule: once, refuse: always});
    await next.close();
    t.is(next.log.lines.at(-1)?.message, 'Did not reach the function: left to the next start');
  }
  t.deepEqual(await factsOf(journal, 'schedule.missed'), []);
  await clock.advance(hour);
  const last = await openCore(t, {clock, journal, core: 'last', schedule: once});
  t.deepEqual(last.occurrences(), [at(1)]);
  t.is(last.runs[0]?.delivery.attempt, 13);
  t.deepEqual(
    last.meter.calls.filter(([name]) => name === 'scheduleFired'),
    [['scheduleFired', 'nightly', 3600]],
  );
});

test('several that wait are delivered one after the other, oldest first, and nothing is lost', async t => {
  let isBusy = true;
  const {clock, occurrences, runs} = await openCore(t, {held: true, refuse: () => (isBusy ? new Fault('POOL_BUSY') : undefined)});
  await clock.advance(5 * minute);
  isBusy = false;
  await clock.advance(59_000);
  t.deepEqual(occurrences(), [at(1)]);
  for (let done = 0; done < 5; done++) {
    runs[done]?.end();
    for (let turn = 0; turn < 20; turn++) await settle();
  }
  t.deepEqual(occurrences(), [1, 2, 3, 4, 5].map(at));
});

test('overlap forbid: one that waits is an earlier one that still runs', async t => {
  const {clock, journal, occurrences} = await openCore(t, {schedule: {overlap: 'forbid'}, refuse: refused('POOL_BUSY', 2, 40)});
  await clock.advance(2 * minute + 30_000);
  t.deepEqual(occurrences(), [at(1)]);
  t.like(await factsOf(journal, 'schedule.missed'), [{occurrence: at(2), reason: 'overlap'}]);
});

test('overlap replace: one that waits is replaced by a newer one, and over', async t => {
  let isBusy = true;
  const {clock, journal, occurrences, runs} = await openCore(t, {
    schedule: {overlap: 'replace'},
    refuse: () => (isBusy ? new Fault('POOL_BUSY', {retryAfterS: 40}) : undefined),
  });
  await clock.advance(2 * minute - 1);
  isBusy = false;
  await clock.advance(1);
  t.deepEqual([...occurrences()].sort(), [at(1), at(2)]);
  t.true(runs.find(({occurrence}) => occurrence === at(1))?.delivery.signal.aborted);
  t.deepEqual((await factsOf(journal, 'invocation.settled')).map(data => 'outcome' in data && data.outcome).sort(), [
    'cancelled',
    'responded',
  ]);
  t.deepEqual(await factsOf(journal, 'schedule.missed'), []);
  await clock.advance(minute);
  t.is(occurrences().length, 3);
});

test('one that never reaches the function is given up after a day, and noted', async t => {
  const {clock, journal, log, meter} = await openCore(t, {schedule: once, refuse: () => new Fault('POOL_GAVE_UP', {retryAfterS: 60})});
  await clock.advance(24 * hour - minute);
  t.deepEqual(await factsOf(journal, 'schedule.missed'), []);
  await clock.advance(3 * minute);
  t.like(await factsOf(journal, 'schedule.missed'), [{occurrence: at(1), reason: 'given-up'}]);
  t.like(await factsOf(journal, 'invocation.settled'), [{code: 'POOL_GAVE_UP'}]);
  t.true(log.lines.some(({level, fields}) => level === 'error' && fields.schedule === 'nightly' && fields.occurrence === at(1)));
  t.is(meter.calls.filter(([name]) => name === 'scheduleWaits').length > 2, true);
});

test('no more than a thousand wait; what comes then is given up', async t => {
  const {clock, journal} = await openCore(t, {schedule: {cron: '* * * * * *'}, refuse: () => new Fault('POOL_GAVE_UP', {retryAfterS: 60})});
  await clock.advance(1005 * 1000);
  t.is((await factsOf(journal, 'invocation.settled')).length, 5);
  t.is((await factsOf(journal, 'schedule.missed')).length, 5);
});

test('by hand: the answer says that it waits, and it is delivered in the end', async t => {
  const {clock, schedules, occurrences} = await openCore(t, {schedule: once, refuse: refused('POOL_BUSY', 1)});
  t.like(await schedules.fire('nightly', noon - hour), {status: 503, error: 'Every sub-runtime is busy', waits: true});
  await clock.advance(1000);
  t.deepEqual(occurrences(), [at(-60)]);
});
