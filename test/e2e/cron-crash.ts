import {readFileSync} from 'node:fs';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as pause} from 'node:timers/promises';
import test from 'ava';
import {projectFile, type RunningCore, runCli, startCore, type Teardown} from '../helpers/core.ts';
import {ask} from '../helpers/request.ts';
import {openGate} from '../helpers/supervision.ts';

const newYear = {name: 'yearly', cron: '0 0 1 1 *'};
const at = '2026-01-01T00:00:00Z';

/** The environment of cores that follow one another on one journal on disk. */
async function onDisk(t: Teardown, ...schedules: object[]) {
  const folder = await mkdtemp(join(tmpdir(), 'cron-'));
  t.teardown(() => rm(folder, {recursive: true}));
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
  t.regex(stdout, /schedule yearly, occurrence 2026-01-01T00:00:00Z, attempt 2, fired by hand/);
  t.regex(stdout, /process +\d+ \(node\), started /);

  const third = await startCore(env, t);
  t.is((await fire(third, `?at=${at}`)).status, 409);
  t.is((await fire(third)).status, 200);
  t.is(await third.stop(), 0);
  t.is(calls(third).length, 1);
});

test('an occurrence that ended is not delivered again once what is older than is kept was removed', async t => {
  const env = {...(await onDisk(t, newYear)), CORE_JOURNAL_KEEP: '1s', CORE_TIMEOUT: '1s'};
  const first = await startCore(env, t);
  t.is((await fire(first, `?at=${at}`)).status, 200);
  const {invocationId} = (await fire(first)).json(); // it stands for the schedule from now on, the other may go
  t.is(await first.stop(), 0);
  const ended = Date.now();
  while (Date.now() < ended + 2100) await pause(20); // CORE_JOURNAL_KEEP and CORE_TIMEOUT
  const second = await startCore(env, t);
  // What was first in the journal, the start of the first core, goes with everything that need not stay.
  const oldest = async () => JSON.parse((await ask(`${second.adminUrl}/api/facts`)).text().split('\n')[0] ?? '');
  while ((await oldest()).position === 1) await pause(20);
  t.is((await ask(`${second.adminUrl}/api/invocations/${invocationId}`)).json().status, 'responded');
  t.is(await second.stop(), 0);

  const third = await startCore(env, t);
  t.is((await fire(third)).status, 200); // what is delivered again comes before
  t.is(await third.stop(), 0);
  t.deepEqual([calls(second).length, calls(third).length], [0, 1]);
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

test('what was lost while no core ran is noted, and the newest of it is run', async t => {
  const env = await onDisk(t, {name: 'often', cron: '* * * * * *', catchUp: 'latest'});
  const first = await startCore(env, t);
  await first.logged(({msg}) => msg.startsWith('{'));
  t.is(await first.stop(), 0);
  const stopped = Date.now();
  while (Date.now() < stopped + 3100) await pause(20);
  const second = await startCore(env, t);
  const missed = await second.logged(({msg}) => msg === 'Occurrences were missed');
  t.like(missed, {schedule: 'often', reason: 'down'});
  await second.logged(({msg}) => msg.startsWith('{'));
  t.true(Date.parse(calls(second)[0].requestContext.schedule.occurrence) > Date.parse(String(missed.last)));
  t.is(await second.stop(), 0);
  const all = [...calls(first), ...calls(second)].map(call => call.requestContext.schedule.occurrence);
  t.is(new Set(all).size, all.length);
});

test('killed again and again, every second is fired once or more', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'cron-runs-'));
  t.teardown(() => rm(folder, {recursive: true}));
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
  const ran = () => [...new Set(readFileSync(file, 'utf8').trimEnd().split('\n'))].map(time => Date.parse(time)).sort((a, b) => a - b);
  const isWhole = (times: readonly number[]) => times.every((time, index) => index === 0 || time - (times[index - 1] ?? 0) === 1000);
  while ((ran().at(-1) ?? 0) < until || !isWhole(ran())) await pause(20); // what was claimed and not run comes one by one
  t.is(await last.stop(), 0);
  t.true(isWhole(ran()));
});
