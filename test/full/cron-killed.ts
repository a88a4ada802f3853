import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as pause} from 'node:timers/promises';
import test from 'ava';
import {SqliteJournal} from '../../src/journals/sqlite/journal.ts';
import {isoOccurrence} from '../../triggers/cron/occurrence.ts';
import {ManualClock} from '../helpers/clock.ts';
import {projectFile, type RunningCore, runCli, startCore, type Teardown} from '../helpers/core.ts';
import {recordingLog, recordingMeter} from '../helpers/fakes.ts';
import {writtenLines} from '../helpers/lines.ts';
import {ask} from '../helpers/request.ts';
import {retention} from '../helpers/sqlite-journal.ts';
import {openGate} from '../helpers/supervision.ts';

const newYear = {name: 'yearly', cron: '0 0 1 1 *'};
const at = '2026-01-01T00:00:00Z';
const minute = 60_000;

/** The environment of cores that follow one another on one journal on disk. */
async function onDisk(t: Teardown, ...schedules: object[]) {
  const folder = await mkdtemp(join(tmpdir(), 'cron-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  return {
    SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/scheduled'),
    CORE_SCHEDULES: JSON.stringify(schedules),
    CORE_JOURNAL: `sqlite:${folder}/journal.db`,
  };
}

const calls = (core: RunningCore) =>
  core.logs.filter(({source, msg}) => source === 'function' && msg.startsWith('{')).map(({msg}) => JSON.parse(msg));
const fire = (core: RunningCore, query = '') => ask(`${core.adminUrl}/api/schedules/yearly/fire${query}`, {method: 'POST'});

test('an occurrence whose core was killed is delivered again by the next one, as the same invocation, and then never again', async t => {
  const gate = await openGate(t);
  const env = await onDisk(t, {...newYear, input: {gate: gate.headers['X-Gate']}});
  const first = await startCore(env, t);
  fire(first, `?at=${at}`).catch(() => {});
  await gate.running();
  await first.logged(({msg}) => msg.startsWith('{')); // its line may come after
  first.kill('SIGKILL');
  await first.exited;
  await gate.open();

  const second = await startCore(env, t);
  await second.logged(({msg}) => msg.startsWith('{'));
  t.like(calls(second)[0], {id: calls(first)[0]?.id, requestContext: {schedule: {name: 'yearly', occurrence: at}}});
  t.is((await fire(second, `?at=${at}`)).status, 409);
  t.is(await second.stop(), 0);
  t.is(calls(second).length, 1);
  const {stdout} = await runCli(['explain', calls(second)[0]?.id, '--journal', env.CORE_JOURNAL]);
  t.regex(stdout, /schedule +yearly, occurrence 2026-01-01T00:00:00Z, attempt 2, fired by hand/);
  t.regex(stdout, /process +\d+ \(node\), started /);

  const third = await startCore(env, t);
  t.is((await fire(third, `?at=${at}`)).status, 409);
  t.is((await fire(third)).status, 200);
  t.is(await third.stop(), 0);
  t.is(calls(third).length, 1);
});

/** What a core has left behind so long ago: an occurrence of a schedule that was fired and has ended. */
async function leaveBehind(journal: string, agoMs: number, schedule: {name: string; cron: string}, invocationId: string) {
  const clock = new ManualClock(Date.now() - agoMs);
  const house = {clock, log: recordingLog(), meter: recordingMeter()};
  await using kept = await SqliteJournal.open(journal.replace('sqlite:', ''), retention, house);
  const occurrence = isoOccurrence(Math.floor(clock.now() / 1000) * 1000);
  const data = {...schedule, occurrence, timezone: 'UTC', invocationId, attempt: 1, core: 'before'};
  await kept.append(`schedule.${schedule.name}.${occurrence}`, [{type: 'schedule.fired', data}]);
  await kept.append(`invocation.${invocationId}`, [{type: 'invocation.accepted', data: {source: 'cron', bytes: 0, attempt: 1}}]);
  await kept.append(`invocation.${invocationId}`, [{type: 'invocation.settled', data: {outcome: 'responded', status: 200, durationMs: 1}}]);
  return occurrence;
}

test('an occurrence that ended is not delivered again once old facts were removed', async t => {
  const env = {...(await onDisk(t, newYear)), CORE_JOURNAL_KEEP: '1s', CORE_TIMEOUT: '1s'};
  await leaveBehind(env.CORE_JOURNAL, 40 * minute, newYear, 'older');
  await leaveBehind(env.CORE_JOURNAL, 20 * minute, newYear, 'newer'); // it stands for the schedule from now on, the other may go
  const second = await startCore(env, t);
  // What was first in the journal goes with everything that need not stay.
  const oldest = async () => JSON.parse((await ask(`${second.adminUrl}/api/facts`)).text().split('\n')[0] ?? '');
  while ((await oldest()).position === 1) await pause(20);
  t.is((await ask(`${second.adminUrl}/api/invocations/newer`)).json().status, 'responded');
  t.is((await ask(`${second.adminUrl}/api/invocations/older`)).status, 404);
  t.is(await second.stop(), 0);

  const third = await startCore(env, t);
  t.is((await fire(third)).status, 200); // what is delivered again comes before
  t.is(await third.stop(), 0);
  t.deepEqual([calls(second).length, calls(third).length], [0, 1]);
});

test('a start with the clock far ahead removes nothing and silences nothing', async t => {
  const often = {name: 'often', cron: '* * * * * *'};
  const env = await onDisk(t, often);
  await leaveBehind(env.CORE_JOURNAL, 40 * 24 * 60 * minute, often, 'old'); // as if the clock had been set forward since
  const ahead = await leaveBehind(env.CORE_JOURNAL, -24 * 60 * minute, often, 'ahead'); // and as if it had been ahead then
  const core = await startCore(env, t);
  t.like(await core.logged(({msg}) => msg.startsWith('The journal has occurrences')), {schedule: 'often', occurrences: 1, last: ahead});
  await core.logged(({source, msg}) => source === 'function' && msg.startsWith('{'));
  await core.logged(({msg}) => msg.includes('kept for one day more'));
  t.is((await ask(`${core.adminUrl}/api/invocations/old`)).json().status, 'responded');
  t.is(await core.stop(), 0);
});

test('an occurrence in which the function crashed says so', async t => {
  const core = await startCore(await onDisk(t, {...newYear, input: {do: 'exit'}}), t);
  t.is((await fire(core)).json().status, 502);
  const failed = async () =>
    (await ask(`${core.adminUrl}/api/facts?stream=invocation.`))
      .text()
      .split('\n')
      .find(line => line.includes('attempt.failed'));
  let line = await failed();
  while (line === undefined) line = await failed();
  t.like(JSON.parse(line).data, {class: 'crash', code: 'UPSTREAM_LOST'});
});

test('occurrences that were lost while no core ran are noted, and the newest is run', async t => {
  const often = {name: 'often', cron: '* * * * * *', catchUp: 'latest'};
  const env = await onDisk(t, often);
  const last = await leaveBehind(env.CORE_JOURNAL, 10_000, {name: 'often', cron: often.cron}, 'before');
  const core = await startCore(env, t);
  const missed = await core.logged(({msg}) => msg === 'Occurrences were missed');
  t.like(missed, {schedule: 'often', reason: 'down', first: isoOccurrence(Date.parse(last) + 1000)});
  await core.logged(({msg}) => msg.startsWith('{'));
  t.is(await core.stop(), 0);
  const all = calls(core).map(call => call.requestContext.schedule.occurrence);
  t.is(all[0], isoOccurrence(Date.parse(String(missed.last)) + 1000));
  t.is(new Set(all).size, all.length);
});

test('killed again and again, every second is fired once or more', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'cron-runs-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  const file = join(folder, 'runs');
  const env = await onDisk(t, {name: 'often', cron: '* * * * * *', catchUp: 'all(1000)', input: {file}});
  for (let start = 0; start < 4; start++) {
    const core = await startCore(env, t);
    await core.logged(() => calls(core).length >= 2);
    core.kill('SIGKILL');
    await core.exited;
  }
  const last = await startCore(env, t);
  const until = Date.now() + 2000;
  // The functions of the killed cores have ended with them: what is in the file is all that ran.
  const ran = () => [...new Set(writtenLines(file))].map(time => Date.parse(time)).sort((a, b) => a - b);
  const isWhole = (times: readonly number[]) => times.every((time, index) => index === 0 || time - (times[index - 1] ?? 0) === 1000);
  while ((ran().at(-1) ?? 0) < until || !isWhole(ran())) await pause(20); // what was claimed and not run comes one by one
  t.is(await last.stop(), 0);
  t.true(isWhole(ran()));
});
