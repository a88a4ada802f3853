import test from 'ava';
import {jobsPlace, until} from '../helpers/jobs.ts';
import {ask} from '../helpers/request.ts';
import {metric} from '../helpers/supervision.ts';

// Schedules in front of a server: a POST to `/` with the input as its body, and 2xx is success.

const schedules = (...more: object[]) => JSON.stringify([{name: 'yearly', cron: '0 0 1 1 *', ...more[0]}, ...more.slice(1)]);

test('an answer that is no success is a failure of the occurrence', async t => {
  const {start} = await jobsPlace(t, {CORE_SCHEDULES: schedules({input: {statuses: [404]}})});
  const core = await start();
  const fired = await ask(`${core.adminUrl}/api/schedules/yearly/fire`, {method: 'POST'});
  t.like(fired.json(), {status: 500, code: 'HANDLER_FAILED', error: 'The server answered 404 Not Found'});
  t.is(await metric(core, 'faas_invocations_total{trigger="cron",outcome="error"}'), 1);
});

test('an occurrence is a request with its input, once, and says which it is', async t => {
  const {start, calls} = await jobsPlace(t, {CORE_SCHEDULES: schedules({input: {job: 'tidy – up'}}), SCW_PUBLIC: 'false'});
  const core = await start();
  const at = '2026-01-01T00:00:00Z';
  const fire = () => ask(`${core.adminUrl}/api/schedules/yearly/fire?at=${at}`, {method: 'POST'});
  const fired = await fire();
  t.is(fired.status, 200, fired.text());
  t.is((await fire()).status, 409);
  t.is(calls().length, 1);
  const [call] = calls();
  t.like(call, {method: 'POST', url: '/', body: '{"job":"tidy – up"}'});
  t.like(call?.headers, {'core-event-type': 'cron', 'content-type': 'application/json', 'core-invocation-id': fired.json().invocationId});
  t.like(JSON.parse(call?.headers['core-event-context'] ?? ''), {schedule: {name: 'yearly', occurrence: at}});
});

test('the clock calls the server', async t => {
  const {start, calls} = await jobsPlace(t, {CORE_SCHEDULES: JSON.stringify([{name: 'often', cron: '* * * * * *'}])});
  const core = await start();
  await until(() => calls().length >= 2);
  const occurrences = calls().map(({headers}) => JSON.parse(headers['core-event-context'] ?? '').schedule.occurrence);
  t.is(new Set(occurrences).size, occurrences.length);
  t.is(await core.stop(), 0);
});

test('an occurrence that is handed on as work is tried again', async t => {
  const input = {key: 'job', statuses: [500, 200]};
  const {start, calls} = await jobsPlace(t, {CORE_WORK: 'on', CORE_SCHEDULES: schedules({input, delivery: 'work'})});
  const core = await start();
  const fired = await ask(`${core.adminUrl}/api/schedules/yearly/fire`, {method: 'POST'});
  t.true(fired.status < 300, fired.text());
  await until(() => calls().length === 2);
  for (const call of calls()) {
    t.like(call, {method: 'POST', url: '/', body: JSON.stringify(input)});
    t.is(call.headers['core-event-type'], 'cron');
  }
});
