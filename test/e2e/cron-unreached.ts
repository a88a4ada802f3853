import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {projectFile, type RunningCore, startCore, type Teardown} from '../helpers/core.ts';
import {ask} from '../helpers/request.ts';
import {metric, metricIs, openGate} from '../helpers/supervision.ts';

const newYear = {cron: '0 0 1 1 *'};

/** One call at a time, and whose turn it is decides the gate: `first` waits for it. */
async function environment(t: Teardown, gate: Awaited<ReturnType<typeof openGate>>) {
  const folder = await mkdtemp(join(tmpdir(), 'cron-unreached-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  return {
    SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/scheduled'),
    SCW_PUBLIC: 'true',
    CORE_CONCURRENCY: '1',
    CORE_JOURNAL: `sqlite:${folder}/journal.db`,
    CORE_SCHEDULES: JSON.stringify([
      {...newYear, name: 'first', input: {gate: gate.headers['X-Gate']}},
      {...newYear, name: 'second'},
    ]),
  };
}

const calls = (core: RunningCore) =>
  core.logs.filter(({source, msg}) => source === 'function' && msg.startsWith('{')).map(({msg}) => JSON.parse(msg));
const fire = async (core: RunningCore, name: string) => {
  const answer = await ask(`${core.adminUrl}/api/schedules/${name}/fire?at=2026-01-01T00:00:00Z`, {method: 'POST'});
  return {httpStatus: answer.status, ...answer.json()};
};
const outcome = async (core: RunningCore, id: string) => (await ask(`${core.adminUrl}/api/invocations/${id}`)).json();

test('an occurrence that the queue had no room for is delivered when there is', async t => {
  const gate = await openGate(t);
  const core = await startCore({...(await environment(t, gate)), CORE_QUEUE_WAIT: '50ms'}, t);
  const first = fire(core, 'first');
  await gate.running();
  const second = await fire(core, 'second');
  t.like(second, {httpStatus: 202, status: 503, error: 'Every sub-runtime is busy', waits: true});
  t.is((await fire(core, 'second')).httpStatus, 409, 'it was fired');
  t.is((await outcome(core, second.invocationId)).status, 'running');
  t.is(await metric(core, 'core_schedule_waiting{schedule="second"}'), 1);
  t.is(await metric(core, 'core_conservation_drift'), 0);
  await gate.open();
  t.is((await first).status, 200);
  await core.logged(({source, msg}) => source === 'function' && msg.includes(second.invocationId));
  await metricIs(core, 'core_schedule_waiting{schedule="second"}', 0);
  t.like(await outcome(core, second.invocationId), {status: 'responded', replyStatus: 200});
  t.like(await core.logged(({msg}) => msg.startsWith('Did not reach the function')), {schedule: 'second', code: 'POOL_BUSY'});
  t.is(await core.stop(), 0);
});

test('an occurrence that a stop kept from the function is delivered once, by the next start', async t => {
  const gate = await openGate(t);
  const env = {...(await environment(t, gate)), CORE_GRACE: '300ms'};
  const core = await startCore(env, t);
  fire(core, 'first').catch(() => {});
  await gate.running();
  fire(core, 'second').catch(() => {});
  await metricIs(core, 'core_queue_depth', 1);
  await core.stop();
  t.like(
    core.logs.find(({msg}) => msg.startsWith('Did not reach the function')),
    {schedule: 'second', occurrence: '2026-01-01T00:00:00Z', code: 'DRAINING'},
  );
  t.like(core.logs.at(-1), {msg: 'Stopped', handedBack: 1});
  t.deepEqual(
    calls(core).map(({requestContext}) => requestContext.schedule.name),
    ['first'],
  );

  const next = await startCore(env, t);
  await next.logged(({source}) => source === 'function');
  t.is(await next.stop(), 0);
  t.deepEqual(
    calls(next).map(({requestContext}) => requestContext.schedule.name),
    ['second'],
  );
  const last = await startCore(env, t);
  t.is((await fire(last, 'second')).httpStatus, 409);
  t.is(await last.stop(), 0);
  t.deepEqual(calls(last), []);
});
