import test from 'ava';
import {projectFile, type RunningCore, refuseCore, startCore, type Teardown} from '../helpers/core.ts';
import {kinds, openReceiver} from '../helpers/otlp.ts';
import {ask} from '../helpers/request.ts';
import {metric, metricIs, openGate} from '../helpers/supervision.ts';

const everySecond = {name: 'often', cron: '* * * * * *'};
const newYear = {name: 'yearly', cron: '0 0 1 1 *'};

const env = (...schedules: object[]) => ({
  SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/scheduled'),
  CORE_SCHEDULES: JSON.stringify(schedules),
});
const serve = (t: Teardown, ...schedules: object[]) => startCore({...env(...schedules), SCW_PUBLIC: 'true'}, t);

interface Call {
  readonly id: string;
  readonly body: string;
  readonly requestContext: {readonly eventType: string; readonly schedule: {readonly name: string; readonly occurrence: string}};
}

/** What the function was called with so far. */
const calls = (core: RunningCore): Call[] =>
  core.logs.filter(({source, msg}) => source === 'function' && msg.startsWith('{')).map(({msg}) => JSON.parse(msg));

async function called(core: RunningCore, times: number): Promise<Call[]> {
  await core.logged(() => calls(core).length >= times);
  return calls(core);
}

const fire = async (core: RunningCore, name: string, query = '') => {
  const answer = await ask(`${core.adminUrl}/api/schedules/${name}/fire${query}`, {method: 'POST'});
  return {status: answer.status, ...answer.json()};
};

test('schedules that are wrong stop the start, each with what would be right', async t => {
  const {code, stderr} = await refuseCore(env({name: 'x', cron: '* * * *', timezone: 'Paris'}));
  t.is(code, 78);
  t.regex(stderr, /CORE_SCHEDULES: schedule `x`: expected timezone to be an IANA zone such as Europe\/Paris, got `Paris`/);
  t.regex(stderr, /CORE_SCHEDULES: schedule `x`: expected cron to be five or six fields/);
});

test('a function is called by the clock, once per occurrence, though it is private and nobody has a token', async t => {
  const core = await startCore(env({...everySecond, input: {job: 'tidy'}}), t);
  const got = await called(core, 3);
  const occurrences = got.map(({requestContext}) => requestContext.schedule.occurrence);
  t.is(new Set(occurrences).size, got.length);
  for (const [index, {requestContext, body}] of got.entries()) {
    t.like(requestContext, {eventType: 'cron', schedule: {name: 'often'}});
    t.is(body, '{"job":"tidy"}');
    t.regex(occurrences[index] ?? '', /T\d\d:\d\d:\d\dZ$/);
  }
  t.is((await ask(core.url)).status, 401);
  t.is(await core.stop(), 0);
});

test('calls by the clock are counted by trigger, and their lag is measured', async t => {
  const core = await serve(t, everySecond);
  await called(core, 1);
  while ((await metric(core, 'faas_invocations_total{trigger="cron",outcome="ok"}')) === 0);
  t.true((await metric(core, 'core_schedule_lag_seconds_count{schedule="often"}')) > 0);
  t.is(await metric(core, 'core_conservation_drift'), 0);
});

test('occurrences that run when a stop begins finish, and nothing fires after it', async t => {
  const gate = await openGate(t);
  const core = await serve(t, {...everySecond, input: {gate: gate.headers['X-Gate']}});
  await gate.running();
  core.kill('SIGTERM');
  const {time} = await core.logged(({msg}) => msg === 'Stopping');
  await gate.open();
  t.is(await core.exited, 0);
  t.deepEqual(
    calls(core).filter(({requestContext}) => Date.parse(requestContext.schedule.occurrence) > Date.parse(String(time))),
    [],
  );
  t.like(core.logs.at(-1), {msg: 'Stopped', lost: 0, handedBack: 0});
});

test('by hand: a wrong request is refused with the reason, and nothing runs', async t => {
  const core = await serve(t, newYear);
  t.like(await fire(core, 'weekly'), {status: 404, refused: 'there is no schedule `weekly`; there is yearly'});
  t.like(await fire(core, 'yearly', '?at=tomorrow'), {
    status: 400,
    refused: 'expected a time such as 2026-03-29T02:30:00Z, got `tomorrow`',
  });
  t.is((await fire(core, 'yearly', '?at=2026-02-02T02:02')).status, 400);
  t.like(await fire(core, 'yearly', '?at=2999-01-01T00:00:00Z'), {status: 400, refused: '2999-01-01T00:00:00Z is still to come'});
  t.is((await ask(`${core.adminUrl}/api/schedules/yearly/fire`)).status, 405);
  t.is((await ask(`${core.adminUrl}/api/schedules`, {method: 'POST'})).status, 405);
  t.is((await ask(`${core.adminUrl}/api/schedules/yearly`)).status, 404);
  const foreign = {method: 'POST', headers: {Host: 'evil.example'}};
  t.is((await ask(`${core.adminUrl}/api/schedules/yearly/fire`, foreign)).status, 403);
  t.is((await ask(`${core.adminUrl}/api/schedules`, {headers: {Host: 'evil.example'}})).status, 403);
  t.deepEqual(calls(core), []);
});

test('by hand: an occurrence runs once, and the answer says what came of it', async t => {
  const core = await serve(t, newYear, {...newYear, name: 'fails', input: {do: 'throw'}});
  const at = '2026-01-01T00:00:00Z';
  const first = await fire(core, 'yearly', `?at=${at}`);
  t.like(first, {status: 200, schedule: 'yearly', occurrence: at});
  t.like((await called(core, 1))[0], {id: first.invocationId, requestContext: {schedule: {name: 'yearly', occurrence: at}}});
  t.like(await fire(core, 'yearly', '?at=2026-01-01T01:00:00%2B01:00'), {
    status: 409,
    refused: `${at} of yearly was already fired, as invocation ${first.invocationId}`,
  });
  t.like(await fire(core, 'fails'), {status: 500, error: 'An error occured during handler execution: thrown on purpose'});
  await metricIs(core, 'faas_invocations_total{trigger="cron",outcome="error"}', 1);
  t.is((await called(core, 2)).length, 2); // a line may come after the answer
});

test('GET /api/schedules lists the occurrences to come', async t => {
  const core = await serve(t, {...newYear, timezone: 'Asia/Tokyo', catchUp: 'latest', jitter: '90s'});
  const {schedules} = (await ask(`${core.adminUrl}/api/schedules`)).json();
  t.like(schedules[0], {name: 'yearly', cron: newYear.cron, timezone: 'Asia/Tokyo', catchUp: 'latest', overlap: 'allow', jitter: '90s'});
  t.is(schedules[0].next.length, 5);
  t.true(schedules[0].next.every((time: string) => time.endsWith('-12-31T15:00:00Z')));
});

test('overlap replace breaks off the running occurrence, and the function learns about it', async t => {
  const gate = await openGate(t);
  const core = await serve(t, {...newYear, overlap: 'replace', input: {gate: gate.headers['X-Gate']}});
  const first = fire(core, 'yearly', '?at=2026-01-01T00:00:00Z');
  await gate.running();
  const second = fire(core, 'yearly', '?at=2026-01-01T00:00:01Z');
  t.like(await first, {status: 499, error: 'The caller left before the function had answered'});
  await called(core, 2);
  await gate.open();
  t.is((await second).status, 200);
});

test('a call by the clock has a span of its own, around the call of the function', async t => {
  const receiver = await openReceiver();
  t.teardown(async () => receiver.close());
  const core = await startCore({...env(newYear), ...receiver.env}, t);
  const {invocationId} = await fire(core, 'yearly', '?at=2026-01-01T00:00:00Z');
  t.is(await core.stop(), 0);
  const span = receiver.spans.find(({name}) => name === 'yearly');
  t.like(span, {kind: kinds.server});
  t.like(span?.attributes, {
    'faas.trigger': 'timer',
    'faas.cron': newYear.cron,
    'faas.time': '2026-01-01T00:00:00Z',
    'faas.invocation_id': invocationId,
  });
  const call = receiver.spans.find(({name}) => name === 'POST');
  t.is(call?.parentSpanId, span?.spanId);
});
