import test from 'ava';
import {MemoryJournal} from '../../src/journals/memory/journal.ts';
import {openPrivate} from '../helpers/admin.ts';
import {ManualClock} from '../helpers/clock.ts';
import {at, factsOf, hour, minute, noon, openCore} from '../helpers/cron.ts';
import {ask} from '../helpers/request.ts';

test('a schedule that does not exist is not paused, and the answer names those that do', async t => {
  const {schedules} = await openCore(t);
  t.is(await schedules.pause('daily', true), undefined);
  const {url} = await openPrivate(t, {schedules: () => schedules});
  const answer = await ask(`${url}/api/schedules/daily/pause`, {method: 'POST'});
  t.is(answer.status, 404);
  t.regex(answer.json().error.message, /no schedule `daily`; there is nightly/);
  const foreign = await ask(`${url}/api/schedules/nightly/pause`, {method: 'POST', headers: {origin: 'https://evil.example'}});
  t.is(foreign.status, 403);
});

test('a paused schedule fires only by hand; what fell into the pause is neither run afterwards nor missed', async t => {
  const {schedules, clock, occurrences, journal} = await openCore(t, {schedule: {catchUp: 'all(10)'}});
  await clock.advance(minute);
  t.deepEqual(await schedules.pause('nightly', true), {name: 'nightly', paused: true});
  t.deepEqual(await schedules.pause('nightly', true), {name: 'nightly', paused: true});
  t.like((await schedules.list())[0], {paused: true, pausedAt: '2026-01-01T12:01:00.000Z'});
  await clock.advance(3 * minute);
  t.deepEqual(occurrences(), [at(1)]);
  await schedules.fire('nightly', noon + 2 * minute);
  t.deepEqual(await schedules.pause('nightly', false), {name: 'nightly', paused: false});
  await clock.advance(minute);
  t.deepEqual(occurrences(), [at(1), at(2), at(5)]);
  t.deepEqual(await factsOf(journal, 'schedule.missed'), []);
  t.is((await factsOf(journal, 'schedule.paused')).length, 1);
});

test('a pause outlives the core, and the core that comes says so', async t => {
  const clock = new ManualClock(noon);
  const journal = new MemoryJournal(clock);
  const first = await openCore(t, {clock, journal, schedule: {catchUp: 'latest'}});
  await clock.advance(minute);
  await first.schedules.pause('nightly', true);
  await first.close();
  await clock.advance(5 * minute);
  const second = await openCore(t, {clock, journal, core: 'second', schedule: {catchUp: 'latest'}});
  await clock.advance(5 * minute);
  t.deepEqual(second.occurrences(), []);
  t.true(second.log.lines.some(({message}) => /It is paused/.test(message)));
  await second.schedules.pause('nightly', false);
  await second.close();
  // Only what came after the pause was missed.
  await clock.advance(2 * minute + 30_000);
  const third = await openCore(t, {clock, journal, core: 'third', schedule: {catchUp: 'all(10)'}});
  await clock.advance(1);
  t.deepEqual(third.occurrences(), [at(12), at(13)]);
});

test('one core pauses a schedule for all that share a journal', async t => {
  const clock = new ManualClock(noon);
  const journal = new MemoryJournal(clock);
  const cores = [
    await openCore(t, {clock, journal, core: 'one', leaseMs: minute}),
    await openCore(t, {clock, journal, core: 'two', leaseMs: minute}),
  ];
  await cores[0]?.schedules.pause('nightly', true);
  await clock.advance(2 * minute);
  t.deepEqual(
    cores.flatMap(core => core.occurrences()),
    [],
  );
  await cores[1]?.schedules.pause('nightly', false);
  await clock.advance(minute);
  t.deepEqual(
    cores.flatMap(core => core.occurrences()),
    [at(3)],
  );
});

test('the fact about a long pause is written anew, as old facts are removed', async t => {
  const {schedules, clock, journal} = await openCore(t, {schedule: {cron: '0 0 1 1 *'}});
  await schedules.pause('nightly', true);
  await clock.advance(5 * hour);
  const facts = await factsOf(journal, 'schedule.paused');
  t.is(facts.length, 6);
  t.deepEqual([...new Set(facts.map(data => 'since' in data && data.since))], ['2026-01-01T12:00:00.000Z']);
  await schedules.pause('nightly', false);
  await clock.advance(5 * hour);
  t.is((await factsOf(journal, 'schedule.paused')).length, 6);
});

test('the history of a schedule has what ran, how that ended, and what was missed, the newest first', async t => {
  const {schedules, clock, journal} = await openCore(t);
  await clock.advance(2 * minute);
  const {url} = await openPrivate(t, {schedules: () => schedules, journal, clock: Object.assign(clock, {sleep: async () => true})});
  for (const limit of ['0', '201', 'x']) t.is((await ask(`${url}/api/schedules/nightly/history?limit=${limit}`)).status, 400);
  const {occurrences} = (await ask(`${url}/api/schedules/nightly/history?limit=1`)).json();
  t.is(occurrences.length, 1);
  t.like(occurrences[0], {type: 'fired', occurrence: at(2), attempt: 1, manual: false, status: 'responded', replyStatus: 200});
  t.deepEqual((await ask(`${url}/api/schedules/other/history`)).json(), {occurrences: []});
});
