import {writeFile} from 'node:fs/promises';
import test from 'ava';
import type {RunningCore} from '../helpers/core.ts';
import {jobsPlace, until} from '../helpers/jobs.ts';
import {type Answer, type Asked, ask} from '../helpers/request.ts';

// Work in front of a server: a request that waits is the request that it was, and whatever the server answers is its reply.

const work = {CORE_WORK: 'on'};
const send = (core: RunningCore, target: string, {headers = {}, ...asked}: Asked & {headers?: Record<string, string>} = {}) =>
  ask(core.url + target, {method: 'POST', headers: {Prefer: 'respond-async', ...headers}, ...asked});

const at = (core: RunningCore, accepted: Answer, path = '') => new URL(accepted.field('location') + path, core.url).href;

async function overAs(core: RunningCore, accepted: Answer) {
  for (;;) {
    const view = (await ask(at(core, accepted))).json();
    if (['responded', 'failed', 'cancelled', 'dead-lettered'].includes(view.status)) return view;
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}

test('a body past the limit is refused, and nothing is kept', async t => {
  const {start, calls} = await jobsPlace(t, {...work, SCW_PAYLOAD_MAX_SIZE: '1KiB'});
  const core = await start();
  for (const chunked of [false, true]) t.is((await send(core, '/', {body: Buffer.alloc(1025), chunked})).status, 413);
  t.deepEqual(calls(), []);
});

test('a request that waited arrives as it was, and its reply is there', async t => {
  const {start, calls} = await jobsPlace(t, work);
  const core = await start();
  const headers = {'X-Key': 'secret', Authorization: 'Basic eDp5', 'Content-Type': 'application/json', Cookie: 'a=b'};
  const accepted = await send(core, '/orders/a%20b%2F%c3%A9?x=2&x=1&y', {headers, body: '{"reply":"here"}', method: 'PUT'});
  t.is(accepted.status, 202);
  t.is((await overAs(core, accepted)).status, 'responded');
  const reply = await ask(at(core, accepted, '/reply'));
  t.is(reply.status, 200);
  t.is(reply.field('x-times'), '1');
  t.is(reply.text(), 'here PUT /orders/a%20b%2F%c3%A9?x=2&x=1&y');
  const [call] = calls();
  t.like(call, {method: 'PUT', body: '{"reply":"here"}'});
  t.like(call?.headers, {
    'x-key': 'secret',
    authorization: 'Basic eDp5',
    'content-type': 'application/json',
    cookie: 'a=b',
    'content-length': '16',
  });
  t.is(call?.headers['core-invocation-id'], accepted.field('core-invocation-id'));
  t.is(call?.headers['core-event-type'], undefined, 'it is a request');
});

test('a body of any bytes arrives whole', async t => {
  const {start, calls} = await jobsPlace(t, work);
  const core = await start();
  const accepted = await send(core, '/', {body: Buffer.from('\xff\xfe', 'latin1'), chunked: true});
  t.is((await overAs(core, accepted)).status, 'responded');
  t.is(calls()[0]?.body, '��');
  t.is(calls()[0]?.headers['content-length'], '2');
});

test('an answer that is a failure is tried again, and the reply is the last one', async t => {
  const {start, calls} = await jobsPlace(t, work);
  const core = await start();
  const accepted = await send(core, '/', {body: '{"statuses":[503,429,201]}'});
  const view = await overAs(core, accepted);
  t.is(view.status, 'responded');
  t.is(view.attempts.length, 3);
  t.is((await ask(at(core, accepted, '/reply'))).status, 201);
  t.is(calls().length, 3);
});

test('an answer that says no is a reply, and is not tried again', async t => {
  const {start, calls} = await jobsPlace(t, work);
  const core = await start();
  const accepted = await send(core, '/', {body: '{"statuses":[404]}'});
  t.is((await overAs(core, accepted)).status, 'responded');
  t.is((await ask(at(core, accepted, '/reply'))).status, 404);
  t.is(calls().length, 1);
});

test('after the last attempt it is a dead letter, which can be sent again', async t => {
  const {start, calls} = await jobsPlace(t, {...work, CORE_WORK_ATTEMPTS: '2'});
  const core = await start();
  const accepted = await send(core, '/pay', {body: '{"statuses":[500,500,200]}'});
  t.is((await overAs(core, accepted)).status, 'dead-lettered');
  t.is(calls().length, 2);
  const id = accepted.field('core-invocation-id');
  const redriven = await ask(`${core.adminUrl}/api/dead/redrive`, {method: 'POST', body: JSON.stringify({ids: [id]})});
  t.true(redriven.status < 300, redriven.text());
  await until(() => calls().length === 3);
  t.like(calls()[2], {method: 'POST', url: '/pay', body: '{"statuses":[500,500,200]}'});
});

test('one key is one piece of work', async t => {
  const {start, calls} = await jobsPlace(t, work);
  const core = await start();
  const headers = {'Idempotency-Key': '"once"'};
  const [first, second] = [await send(core, '/', {headers, body: '{}'}), await send(core, '/', {headers, body: '{}'})];
  t.is(first.field('core-invocation-id'), second.field('core-invocation-id'));
  await overAs(core, first);
  t.is(calls().length, 1);
});

test('work that runs when its core is killed runs again in the next', async t => {
  const {start, calls, folder} = await jobsPlace(t, work);
  const core = await start();
  const accepted = await send(core, '/slow', {body: JSON.stringify({until: `${folder}/go`})});
  await until(() => calls().length === 1);
  core.kill('SIGKILL');
  await core.exited;
  await writeFile(`${folder}/go`, '');
  const next = await start();
  t.is((await overAs(next, accepted)).status, 'responded');
  t.is((await ask(at(next, accepted, '/reply'))).text(), 'done POST /slow');
  t.is(calls().length, 2);
});
