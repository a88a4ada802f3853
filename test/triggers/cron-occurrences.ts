import test from 'ava';
import {requestOf} from '../../middleware/event/request.ts';
import {MemoryJournal} from '../../src/journals/memory/journal.ts';
import {ManualClock} from '../helpers/clock.ts';
import {at, factsOf, hour, minute, noon, openCore, type Run} from '../helpers/cron.ts';

test('nothing fires before its time, nor after the trigger is closed', async t => {
  const {clock, runs, close, journal} = await openCore(t);
  await clock.advance(minute - 1);
  t.is(runs.length, 0);
  await close();
  t.is(clock.pending, 0);
  await clock.advance(hour);
  t.is(runs.length, 0);
  t.deepEqual(await factsOf(journal, 'schedule.fired'), []);
});

test('an occurrence is a delivery that vouches for itself and is written ahead; its event carries the occurrence', async t => {
  const {clock, runs, meter} = await openCore(t, {schedule: {input: {job: 1}}});
  await clock.advance(minute - 5);
  await clock.advance(7);
  t.is(runs.length, 1);
  const {delivery, input} = runs[0] as Run; // there is one
  t.like(delivery, {source: 'cron:nightly', writeAhead: true, principal: {subject: 'cron:nightly'}, attempt: 1});
  t.deepEqual(delivery.subject(), {trigger: 'timer', name: 'nightly', cron: '* * * * *', time: at(1)});
  const schedule = {name: 'nightly', occurrence: at(1)};
  t.like(input, {eventType: 'cron', reply: 'outcome', contentType: 'application/json', context: {schedule}});
  t.like(requestOf(input), {eventType: 'cron', method: 'POST', path: '/', query: '', sourceIp: '', context: {schedule}});
  t.is(input.body.toString(), '{"job":1}');
  t.deepEqual(
    meter.calls.filter(([name]) => name === 'scheduleFired'),
    [['scheduleFired', 'nightly', 0]],
  );
});

test('the claim names the invocation that it is for', async t => {
  const {clock, runs, journal} = await openCore(t);
  await clock.advance(minute);
  const [fired] = await factsOf(journal, 'schedule.fired');
  t.deepEqual(fired, {
    name: 'nightly',
    occurrence: at(1),
    cron: '* * * * *',
    timezone: 'UTC',
    invocationId: runs[0]?.delivery.id ?? '',
    attempt: 1,
    core: 'core-1',
  });
  t.is((await journal.last(`schedule.nightly.${at(1)}`))?.fact.type, 'schedule.fired');
});

test('every occurrence fires once, in time', async t => {
  const {clock, occurrences} = await openCore(t);
  await clock.advance(5 * minute);
  t.deepEqual(occurrences(), [at(1), at(2), at(3), at(4), at(5)]);
});

test('a journal that fails is tried again, and the occurrence fires once', async t => {
  const clock = new ManualClock(noon);
  const journal = new MemoryJournal(clock);
  const append = journal.append.bind(journal);
  let failures = 3;
  journal.append = async (...given) => {
    if (!given[0].startsWith('schedule.') || failures-- <= 0) return append(...given);
    if (failures === 0) await append(...given); // kept, but it did not say so
    throw new Error('disk full');
  };
  const {occurrences, log} = await openCore(t, {clock, journal});
  await clock.advance(minute + 20_000);
  t.deepEqual(occurrences(), [at(1)]);
  t.is(log.lines.filter(({level, fields}) => level === 'error' && fields.cause === 'disk full').length, 3);
});

test('the list shows the next five occurrences', async t => {
  const {schedules} = await openCore(t, {schedule: {cron: '30 2 * * *', timezone: 'Europe/Paris', catchUp: 'all(3)', jitter: '90s'}});
  t.deepEqual(await schedules.list(), [
    {
      name: 'nightly',
      cron: '30 2 * * *',
      timezone: 'Europe/Paris',
      catchUp: 'all(3)',
      overlap: 'allow',
      jitter: '90s',
      delivery: 'call',
      next: ['2026-01-02T01:30:00Z', '2026-01-03T01:30:00Z', '2026-01-04T01:30:00Z', '2026-01-05T01:30:00Z', '2026-01-06T01:30:00Z'],
      paused: false,
    },
  ]);
});
