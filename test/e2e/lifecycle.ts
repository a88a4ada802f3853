import {connect} from 'node:net';
import test from 'ava';
import {endWhileStarting, projectFile, refuseCore, startCore} from '../helpers/core.ts';
import {loadGate} from '../helpers/gate.ts';
import {gone, isAlive} from '../helpers/process.ts';
import {ask} from '../helpers/request.ts';
import {becomes} from '../helpers/supervision.ts';

const functions = (name: string) => projectFile(`test/fixtures/functions/core/${name}`);
const mirror = {SCW_PUBLIC: 'true', SCW_HANDLER_PATH: functions('mirror')};

const refusals: readonly (readonly [string, Record<string, string>, RegExp])[] = [
  ['no handler', {}, /SCW_HANDLER_PATH: expected the absolute path of the handler/],
  ['a handler that is not there', {SCW_HANDLER_PATH: '/nowhere/handler'}, /SCW_HANDLER_PATH: .*no such file/],
  ['an interpreter that is not there', {...mirror, SCW_RUNTIME_BINARY: '/nowhere/node'}, /SCW_RUNTIME_BINARY: expected an executable file/],
  ['a private address that is none', {...mirror, CORE_ADMIN_HOST: '192.0.2.1'}, /CORE_ADMIN_HOST: expected an address of this machine/],
  ['another loopback address for our bridge', {...mirror, SCW_UPSTREAM_HOST: '127.0.0.2'}, /SCW_UPSTREAM_HOST: expected 127\.0\.0\.1/],
  ['no time for a call', {...mirror, CORE_TIMEOUT: '0s'}, /CORE_TIMEOUT: expected at least 1ms/],
  ['a metrics path that no request can have', {...mirror, CORE_METRICS_PATH: 'metrics'}, /CORE_METRICS_PATH: expected a path/],
  ['a bad size', {...mirror, SCW_PAYLOAD_MAX_SIZE: '6 MB'}, /SCW_PAYLOAD_MAX_SIZE: expected a number of bytes.* got `6 MB`/],
  ['a bad duration', {...mirror, CORE_TIMEOUT: '5'}, /CORE_TIMEOUT: expected a duration/],
  ['a host that is not loopback', {...mirror, SCW_UPSTREAM_HOST: '0.0.0.0'}, /SCW_UPSTREAM_HOST: expected a loopback address/],
  ['a mistyped name', {...mirror, CORE_TIMEOUTS: '5s'}, /CORE_TIMEOUTS is not a setting; did you mean CORE_TIMEOUT\?/],
];
for (const [title, env, message] of refusals) {
  test(`${title} stops the start with one sentence`, async t => {
    const {code, stderr} = await refuseCore(env);
    t.is(code, 78);
    t.regex(stderr, message);
    t.notRegex(stderr, /\n\s+at /);
  });
}

test('several problems are reported at once', async t => {
  const {stderr} = await refuseCore({...mirror, CORE_TIMEOUT: 'x', PORT: 'y'});
  t.regex(stderr, /CORE_TIMEOUT[\s\S]*PORT|PORT[\s\S]*CORE_TIMEOUT/);
});

test('a public port that is taken stops the start and names it', async t => {
  const first = await startCore(mirror, t);
  const {port} = new URL(first.url);
  const {code, stderr} = await refuseCore({...mirror, PORT: port});
  t.is(code, 71);
  t.is(stderr, `core-runtime: PORT: expected a free port, but something listens on ${port}\n`);
  await first.stop();
});

test('a handler that cannot be loaded answers 500 at once, and readiness says why', async t => {
  const core = await startCore({...mirror, SCW_HANDLER_PATH: functions('broken.cjs')}, t);
  const answer = await ask(core.url);
  t.is(answer.status, 500);
  t.is(
    answer.text(),
    'An error occured during handler execution: Function Handler does not exist, check that you provided the right HANDLER parameter (path to your module with exported function to use)\n',
  );
  t.is(answer.field('core-error'), 'HANDLER_MISSING');
  const readiness = await ask(`${core.adminUrl}/readyz`);
  t.is(readiness.status, 503);
  t.like(readiness.json(), {ready: false, phase: 'broken'});
  t.regex(readiness.json().cause, /broken on purpose/);
  t.is(await core.stop(), 0);
});

test('requests that come before the sub-runtime is ready wait for it', async t => {
  const gate = await loadGate(t);
  const core = await startCore({...mirror, ...gate.env}, t);
  t.deepEqual((await ask(`${core.adminUrl}/readyz`)).json(), {ready: false, phase: 'booting'});
  const early = [ask(`${core.url}/?do=callback`), ask(`${core.url}/?do=callback`)];
  await gate.openWhenWaiting(core, 2);
  for (const answer of await Promise.all(early)) t.is(answer.text(), 'called back');
  t.regex((await ask(`${core.adminUrl}/metrics`)).text(), /^faas_coldstarts_total 2$/m);
  await core.stop();
});

test('a sub-runtime that is not ready in time is a 503 with Retry-After', async t => {
  const core = await startCore({...mirror, ...(await loadGate(t)).env, CORE_START_TIMEOUT: '150ms'}, t);
  const answer = await ask(core.url);
  t.is(answer.status, 503);
  t.is(answer.field('core-error'), 'POOL_NOT_READY');
  t.regex(answer.field('retry-after'), /^\d+$/);
  await core.stop();
});

test('a call past its deadline is a 504 that names the limit', async t => {
  const core = await startCore(mirror, t);
  await becomes(core, 'ready');
  const answer = await ask(`${core.url}/?do=never`, {headers: {'Core-Timeout': '200ms'}});
  t.is(answer.status, 504);
  t.is(answer.text(), 'The function did not answer within 200 ms\n');
  t.is((await ask(core.url)).status, 200);
  await core.stop();
});

test('past the places and the queue, requests are refused at once', async t => {
  const core = await startCore({...mirror, CORE_CONCURRENCY: '1', CORE_QUEUE: '1'}, t);
  await ask(core.url);
  const answers = await Promise.all([1, 2, 3].map(() => ask(`${core.url}/?do=slow&ms=300`)));
  const statuses = answers.map(({status}) => status).sort();
  t.deepEqual(statuses, [200, 200, 503]);
  const refused = answers.find(({status}) => status === 503);
  t.is(refused?.field('core-error'), 'POOL_BUSY');
  t.regex(refused?.field('retry-after') ?? '', /^\d+$/);
  await core.stop();
});

test('a function that exits is started again; the call it took with it is a 502', async t => {
  const core = await startCore(mirror, t);
  const lost = await ask(`${core.url}/?do=exit&code=0`);
  t.is(lost.status, 502);
  t.is(lost.field('core-error'), 'UPSTREAM_LOST');
  await core.logged(({msg}) => msg === 'The sub-runtime exited with code 0');
  t.is((await ask(core.url)).status, 200);
  t.regex((await ask(`${core.adminUrl}/metrics`)).text(), /^core_runtime_restarts_total\{reason="exit-zero"\} 1$/m);
  await core.stop();
});

test('TERM lets calls in flight finish, closes their connections, and ends with 0 and no child', async t => {
  const core = await startCore(mirror, t);
  const {pid} = (await ask(`${core.url}/?do=pid`)).json();
  const slow = ask(`${core.url}/?do=slow&ms=1500`, {headers: {Connection: 'keep-alive'}});
  await ask(core.url); // the slow one has been taken by now
  core.kill('SIGTERM');
  const answer = await slow;
  t.is(answer.text(), 'slow');
  t.is(answer.field('connection'), 'close');
  t.is(await core.exited, 0);
  t.false(isAlive(pid));
  t.is(core.logs.at(-1)?.msg, 'Stopped');
});

test('past the grace time what is in flight is answered 502, as it may have run, and the core ends', async t => {
  const core = await startCore({...mirror, CORE_GRACE: '200ms'}, t);
  const never = ask(`${core.url}/?do=never`);
  await ask(core.url);
  core.kill('SIGTERM');
  t.is((await never).status, 502);
  t.is(await core.exited, 0);
});

test('a second signal a second later stops at once', async t => {
  const core = await startCore(mirror, t);
  const never = ask(`${core.url}/?do=never`).catch((error: Error) => error);
  await ask(core.url);
  core.kill('SIGTERM');
  await core.logged(({msg}) => msg === 'Stopping');
  const again = setInterval(() => core.kill('SIGTERM'), 300);
  t.is(await core.exited, 1);
  clearInterval(again);
  t.true((await never) instanceof Error);
});

test('a signal during the start leaves nothing behind', async t => {
  const {code, childPids} = await endWhileStarting({...mirror, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9'}, 'SIGTERM', 1);
  t.is(code, 0);
  t.true(childPids.length > 0);
  for (const pid of childPids) await gone(pid); // the shell that watches over the others ends by itself when it is told
});

test('an idle connection does not hold up the stop', async t => {
  const core = await startCore(mirror, t);
  const {hostname, port} = new URL(core.url);
  const idle = connect(Number(port), hostname);
  await new Promise(resolve => idle.once('connect', resolve));
  t.is(await core.stop(), 0);
  idle.destroy();
});
