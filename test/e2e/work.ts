import {existsSync} from 'node:fs';
import {mkdtemp, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {type RunningCore, refuseCore, startCore} from '../helpers/core.ts';
import {type Answer, ask} from '../helpers/request.ts';
import {spki, timed} from '../helpers/tokens.ts';

/*
Work as its senders see it: a core with a journal on a disk, and a function that does what the body of its request says.
*/

const handler = `
const {appendFileSync, existsSync} = require('node:fs');
let calls = 0;
exports.handle = async (event, context) => {
  const {log, statuses = [200], ms = 0, until, reply = 'done', exits} = JSON.parse(event.body || '{}');
  calls++;
  if (log) appendFileSync(log, 'ran ' + (event.headers['X-Api-Key'] ?? '') + '\\n');
  if (ms) await new Promise(resolve => setTimeout(resolve, ms));
  while (until && !existsSync(until)) await new Promise(resolve => setTimeout(resolve, 5));
  if (exits) process.exit(1);
  const status = statuses[Math.min(calls, statuses.length) - 1];
  return {statusCode: status, headers: {'X-Calls': String(calls), 'Set-Cookie': 'a=b'}, body: reply};
};`;

interface Place {
  readonly folder: string;
  readonly env: Record<string, string>;
}

async function newPlace(t: ExecutionContext, env: Record<string, string> = {}): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'work-'));
  t.teardown(() => rm(folder, {recursive: true, force: true, maxRetries: 5}));
  await writeFile(join(folder, 'handler.js'), handler);
  const own = {SCW_PUBLIC: 'true', SCW_HANDLER_PATH: join(folder, 'handler.js'), SCW_HANDLER_NAME: 'handle'};
  return {folder, env: {...own, CORE_WORK: 'on', CORE_JOURNAL: `sqlite:${folder}/journal.db`, ...env}};
}

const serve = async (t: ExecutionContext, env?: Record<string, string>) => startCore((await newPlace(t, env)).env, t);

const send = (core: RunningCore, body: unknown, headers: Record<string, string> = {}) =>
  ask(core.url, {method: 'POST', headers: {prefer: 'respond-async', ...headers}, body: JSON.stringify(body)});

const get = (core: RunningCore, path: string) => ask(new URL(path, core.url).href, {});

/** What the status says, once it fits. */
async function statusUntil(core: RunningCore, accepted: Answer, fits: (view: {status: string}) => boolean) {
  for (;;) {
    const view = JSON.parse((await get(core, accepted.field('location'))).body.toString());
    if (fits(view)) return view;
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

const isOver = ({status}: {status: string}) => ['responded', 'failed', 'cancelled', 'expired', 'dead-lettered'].includes(status);

test('without CORE_WORK every header and path belongs to the function', async t => {
  const core = await serve(t, {CORE_WORK: 'off'});
  t.is((await send(core, {})).status, 200);
  t.is((await get(core, '/_core/invocations/x')).status, 200);
});

test('work is refused where it would be lost with the process', async t => {
  const core = await serve(t, {CORE_JOURNAL: 'memory:'});
  const answer = await send(core, {});
  t.is(answer.status, 503);
  t.is(answer.field('core-error'), 'WORK_NOT_KEPT');
});

test('work and several processes of a core exclude each other', async t => {
  const {env} = await newPlace(t, {CORE_PROCESSES: '2'});
  const {code, stderr} = await refuseCore(env);
  t.is(code, 78);
  t.regex(stderr, /CORE_WORK: expected `off` with more than one of CORE_PROCESSES, .*a journal that several share, such as postgres:/);
});

test('hosts for callbacks need a key that signs', async t => {
  const {code, stderr} = await refuseCore((await newPlace(t, {CORE_CALLBACK_HOSTS: 'hooks.example.com'})).env);
  t.is(code, 78);
  t.regex(stderr, /CORE_CALLBACK_SECRET: expected a key/);
});

test('a bad wish is refused with what would be right, and nothing runs', async t => {
  const {folder, env} = await newPlace(t);
  const core = await startCore(env, t);
  const answer = await send(core, {log: `${folder}/log`}, {'core-delay': 'soon'});
  t.is(answer.status, 400);
  t.regex(answer.body.toString(), /Core-Delay/);
  await t.throwsAsync(readFile(`${folder}/log`), {code: 'ENOENT'});
});

test('nobody learns of work that was not sent', async t => {
  const core = await serve(t);
  const answer = await get(core, '/_core/invocations/0191f0a0-0000-7000-8000-000000000000');
  t.is(answer.status, 404);
  t.is(answer.field('core-error'), 'WORK_UNKNOWN');
  t.is((await get(core, '/_core/')).status, 404);
});

test('a request that asks for it is answered with a receipt, and its reply is there later', async t => {
  const {folder, env} = await newPlace(t);
  const core = await startCore(env, t);
  const accepted = await send(core, {log: `${folder}/log`, reply: 'here'}, {'x-api-key': 'secret'});
  t.is(accepted.status, 202);
  t.is(accepted.field('core-durability'), 'fsync');
  t.is(accepted.field('preference-applied'), 'respond-async');
  const {id} = JSON.parse(accepted.body.toString());
  t.is(accepted.field('location'), `/_core/invocations/${id}`);
  t.is(accepted.field('core-invocation-id'), id);
  t.is((await statusUntil(core, accepted, isOver)).status, 'responded');
  const reply = await get(core, `${accepted.field('location')}/reply`);
  t.is(reply.status, 200);
  t.is(reply.body.toString(), 'here');
  t.is(reply.field('x-calls'), '1');
  t.is(await readFile(`${folder}/log`, 'utf8'), 'ran secret\n', 'the function gets what the journal does not show');
  t.false((await readFile(`${folder}/journal.db-wal`)).includes('"ran secret"'));
  const refused = await ask(new URL(accepted.field('location'), core.url).href, {method: 'POST'});
  t.is(refused.status, 405);
  t.is(refused.field('allow'), 'GET, HEAD, DELETE');
  t.is((await ask(new URL(`${accepted.field('location')}/reply`, core.url).href, {method: 'DELETE'})).field('allow'), 'GET, HEAD');
});

test('a failed attempt is tried again, and the reply is the last one', async t => {
  const core = await serve(t);
  const accepted = await send(core, {statuses: [500, 429, 201]});
  const view = await statusUntil(core, accepted, isOver);
  t.is(view.status, 'responded');
  t.is(view.attempts.length, 3);
  t.is((await get(core, `${accepted.field('location')}/reply`)).status, 201);
});

test('after the last attempt the work is a dead letter', async t => {
  const core = await serve(t, {CORE_WORK_ATTEMPTS: '2'});
  const accepted = await send(core, {statuses: [500]});
  const view = await statusUntil(core, accepted, isOver);
  t.is(view.status, 'dead-lettered');
  const metrics = (await ask(`${core.adminUrl}/metrics`)).body.toString();
  t.regex(metrics, /^core_dead_letters 1$/m);
  t.is(view.attempts.length, 2);
});

test('a refusal by the function is final', async t => {
  const core = await serve(t);
  const view = await statusUntil(core, await send(core, {statuses: [404]}), isOver);
  t.is(view.attempts.length, 1);
});

test('a sender who waits gets the reply, or the receipt when that takes too long', async t => {
  const core = await serve(t);
  const inTime = await send(core, {reply: 'quick'}, {prefer: 'respond-async, wait=10'});
  t.is(inTime.status, 200);
  t.is(inTime.body.toString(), 'quick');
  const late = await send(core, {ms: 1500, reply: 'late'}, {prefer: 'respond-async, wait=1'});
  t.is(late.status, 202);
  await statusUntil(core, late, isOver);
  t.is((await get(core, `${late.field('location')}/reply`)).body.toString(), 'late');
});

test('a key is one run: for a caller who waits, for one who does not, and at the same time', async t => {
  const {folder, env} = await newPlace(t);
  const core = await startCore(env, t);
  const body = {log: `${folder}/log`, ms: 200};
  const key = {prefer: '', 'idempotency-key': '"order-1"'};
  const [first, second] = await Promise.all([send(core, body, key), send(core, body, key)]);
  t.is(first.status, 200);
  t.is(second.status, 200);
  const third = await send(core, body, key);
  t.is(third.field('idempotency-replayed'), 'true');
  t.is(third.body.toString(), 'done');
  t.is(third.field('set-cookie'), '');
  const fourth = await send(core, body, {'idempotency-key': '"order-1"'});
  t.is(fourth.status, 202);
  t.is(fourth.field('core-invocation-id'), third.field('core-invocation-id'));
  t.is((await readFile(`${folder}/log`, 'utf8')).split('\n').length - 1, 1);
  const other = await send(core, {...body, ms: 1}, key);
  t.is(other.status, 422);
  t.is(other.field('core-error'), 'IDEMPOTENCY_MISMATCH');
});

test('the ways of other platforms are understood where they are asked for, and refused when they are unknown', async t => {
  t.regex((await refuseCore((await newPlace(t, {CORE_WORK_COMPAT: 'azure'})).env)).stderr, /CORE_WORK_COMPAT: expected openfaas, lambda/);
  const core = await serve(t, {CORE_WORK_COMPAT: 'openfaas,lambda'});
  const gateway = await ask(new URL('/async-function/name/a', core.url).href, {method: 'POST', body: '{}'});
  t.is(gateway.status, 202);
  t.is((await send(core, {}, {prefer: '', 'x-amz-invocation-type': 'Event'})).status, 202);
  t.is((await statusUntil(core, gateway, isOver)).status, 'responded');
  const without = await serve(t);
  t.is((await send(without, {}, {prefer: '', 'x-amz-invocation-type': 'Event'})).status, 200);
});

test('work that waits can be cancelled; work that is over cannot', async t => {
  const core = await serve(t);
  const accepted = await send(core, {}, {'core-delay': '1h'});
  t.is((await statusUntil(core, accepted, () => true)).status, 'delayed');
  t.is((await get(core, `${accepted.field('location')}/reply`)).status, 409);
  const cancel = () => ask(new URL(accepted.field('location'), core.url).href, {method: 'DELETE'});
  t.is((await cancel()).status, 200);
  t.is((await statusUntil(core, accepted, () => true)).status, 'cancelled');
  t.is((await cancel()).status, 409);
  t.is((await get(core, `${accepted.field('location')}/reply`)).status, 410);
});

test('work that runs can be asked to stop', async t => {
  const core = await serve(t);
  const accepted = await send(core, {ms: 30_000});
  await statusUntil(core, accepted, ({status}) => status === 'running');
  t.is((await ask(new URL(accepted.field('location'), core.url).href, {method: 'DELETE'})).status, 202);
  t.is((await statusUntil(core, accepted, isOver)).status, 'cancelled');
});

test('work of one key runs in order, and a key that waits holds back no other', async t => {
  const {folder, env} = await newPlace(t, {CORE_CONCURRENCY: '20'});
  const core = await startCore(env, t);
  const keyed = {'core-ordering-key': 'a'};
  const first = await send(core, {until: `${folder}/go`}, keyed);
  const second = await send(core, {}, keyed);
  const other = await send(core, {}, {'core-ordering-key': 'b'});
  await statusUntil(core, other, isOver);
  t.is((await statusUntil(core, second, () => true)).status, 'behind');
  await writeFile(`${folder}/go`, '');
  await statusUntil(core, second, isOver);
  t.is((await statusUntil(core, first, () => true)).status, 'responded');
});

test('what was accepted survives the end of the core, however it ends', async t => {
  const {folder, env} = await newPlace(t);
  const first = await startCore(env, t);
  const waits = await send(first, {log: `${folder}/log`}, {'core-delay': '2s'});
  const runs = await send(first, {log: `${folder}/log`, ms: 500});
  await statusUntil(first, runs, ({status}) => status === 'running');
  while (!existsSync(`${folder}/log`)) await new Promise(resolve => setTimeout(resolve, 10));
  first.kill('SIGKILL');
  await first.exited;
  const second = await startCore(env, t);
  const again = await statusUntil(second, runs, isOver);
  t.is(again.status, 'responded');
  t.is(again.attempts[0].class, 'lost');
  t.is((await statusUntil(second, waits, isOver)).status, 'responded');
  t.is((await readFile(`${folder}/log`, 'utf8')).split('\n').length - 1, 3);
});

test('what a stop breaks off is tried again by the next core', async t => {
  const {folder, env} = await newPlace(t, {CORE_GRACE: '1s'});
  const first = await startCore(env, t);
  const runs = await send(first, {log: `${folder}/log`, ms: 30_000}, {'core-timeout': '40s'});
  while (!existsSync(`${folder}/log`)) await new Promise(resolve => setTimeout(resolve, 10));
  first.kill('SIGTERM');
  await first.exited;
  const second = await startCore(env, t);
  const view = await statusUntil(second, runs, () => true);
  t.true(['running', 'retrying'].includes(view.status), view.status);
  t.is(view.attempts[0].class, 'cancelled');
});

test('a stop tells those who wait for work that does not run, and keeps the work', async t => {
  const {env} = await newPlace(t);
  const core = await startCore(env, t);
  const delayed = {'core-delay': '1h', 'idempotency-key': '"later"'};
  const waits = send(core, {}, {...delayed, prefer: 'respond-async, wait=600'});
  const first = await send(core, {}, delayed);
  const attached = send(core, {}, {prefer: '', 'idempotency-key': '"later"'});
  await new Promise(resolve => setTimeout(resolve, 200)); // both are with the core, which does not say so
  const stopped = core.stop();
  t.is((await waits).status, 202);
  t.like(await attached, {status: 503});
  t.is((await attached).field('core-error'), 'DRAINING');
  t.is(await stopped, 0);
  const second = await startCore(env, t);
  t.is((await statusUntil(second, first, () => true)).status, 'delayed');
});

test('the key of a call whose core was killed says so, and does not run it again', async t => {
  const {folder, env} = await newPlace(t);
  const first = await startCore(env, t);
  const body = {log: `${folder}/log`, ms: 30_000};
  const key = {prefer: '', 'idempotency-key': '"once"'};
  const broken = send(first, body, key).catch(() => undefined);
  while (!existsSync(`${folder}/log`)) await new Promise(resolve => setTimeout(resolve, 10));
  first.kill('SIGKILL');
  await first.exited;
  t.is(await broken, undefined);
  const second = await startCore(env, t);
  const answer = await send(second, body, key);
  t.is(answer.status, 502);
  t.is(answer.field('core-error'), 'UPSTREAM_LOST');
  t.is(answer.field('idempotency-replayed'), 'true');
  t.is((await readFile(`${folder}/log`, 'utf8')).split('\n').length - 1, 1);
});

test('on a private function only the subject that sent work may ask for it; while an operator has paused work it says so', async t => {
  const core = await serve(t, {SCW_PUBLIC: 'false', SCW_PUBLIC_KEY: spki, SCW_APPLICATION_ID: 'app-1', SCW_NAMESPACE_ID: 'ns-1'});
  const [alice, bob] = ['alice', 'bob'].map(sub => ({'x-auth-token': timed({sub})}));
  t.is((await ask(`${core.adminUrl}/api/work/pause`, {method: 'POST'})).status, 200);
  const sent = await send(core, {}, alice);
  t.is(sent.status, 202);
  const at = new URL(sent.field('location'), core.url).href;
  for (const [method, path] of [
    ['GET', at],
    ['GET', `${at}/reply`],
    ['DELETE', at],
  ] as const) {
    t.is((await ask(path, {method, headers: bob ?? {}})).status, 404, `${method} ${path}`);
    t.is((await ask(path, {method})).status, 401);
  }
  t.like((await ask(at, {headers: alice ?? {}})).json(), {status: 'waiting', why: 'An operator has paused work.'});
  t.is((await ask(at, {method: 'DELETE', headers: alice ?? {}})).status, 200);
});
