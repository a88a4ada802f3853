import http, {type IncomingMessage} from 'node:http';
import {gzipSync} from 'node:zlib';
import test, {type ExecutionContext} from 'ava';
import type {RunningCore} from '../helpers/core.ts';
import {freePort} from '../helpers/port.ts';
import {ask, firstOf} from '../helpers/request.ts';
import {askAndLeave, metricIs, openGate, serve} from '../helpers/supervision.ts';

// A handler that takes a Request and returns a Response, from the public port and back.

let core: RunningCore;

test.before(async t => {
  core = await serve({...t, teardown() {}} as unknown as ExecutionContext, 'fetches.mjs', {CORE_JOURNAL: 'memory:', CORE_CANCEL: 'abort'});
});
test.after.always(() => core?.stop());

/** Asks, and resolves with the head. */
function begin(path: string, gate: Record<string, string>): Promise<IncomingMessage> {
  const {promise, resolve, reject} = Promise.withResolvers<IncomingMessage>();
  http.get(core.url + path, {agent: false, headers: gate}, resolve).once('error', reject);
  return promise;
}

test.serial('a host that is none is a 400, and an error before the head a 500', async t => {
  const refused = await ask(`${core.url}/hello`, {headers: {Host: 'a,b@c'}});
  t.is(refused.status, 400);
  const failed = await ask(`${core.url}/throws`);
  t.like(failed, {status: 500});
  t.is(failed.text(), 'An error occured during handler execution: no luck\n');
  t.is(failed.field('core-error'), 'HANDLER_FAILED');
});

test.serial('a body that fails behind the head is broken off', async t => {
  const gate = await openGate(t);
  const reply = await begin('/breaks', gate.headers);
  t.is(reply.statusCode, 200);
  t.is(await firstOf(reply), 'first\n');
  await gate.open();
  await t.throwsAsync(reply.toArray(), {code: 'ECONNRESET'});
});

test.serial('the caller who leaves aborts the signal of the Request, before and behind the head', async t => {
  const caller = askAndLeave(`${core.url}/stays`, {});
  await core.logged(({msg}) => msg === 'running');
  caller.leave();
  await core.logged(({msg}) => msg === 'left: AbortError');
  const gate = await openGate(t);
  const reply = await begin('/pieces', gate.headers);
  await firstOf(reply);
  reply.destroy();
  await metricIs(core, 'faas_streams_open', 0);
  await gate.open();
  t.pass();
});

test.serial('pieces leave as they are made', async t => {
  const gate = await openGate(t);
  const reply = await begin('/pieces', gate.headers);
  t.like(reply.headers, {'content-type': 'text/plain', 'transfer-encoding': 'chunked'});
  t.is(await firstOf(reply), 'first\n');
  await gate.open();
  t.is(Buffer.concat(await reply.toArray()).toString(), 'second\n');
});

test.serial('status, fields, cookies and bytes go both ways', async t => {
  const hello = await ask(`${core.url}/hello`);
  t.like(hello, {status: 200});
  t.deepEqual(hello.headers.get('set-cookie'), ['a=1', 'b=2']);
  t.is(hello.field('content-length'), '5');
  const head = await ask(`${core.url}/hello`, {method: 'HEAD'});
  t.deepEqual([head.field('content-length'), head.body.length], ['5', 0]);
  const away = await ask(`${core.url}/away`, {headers: {Host: 'fn.example', 'X-Forwarded-Proto': 'https'}});
  t.deepEqual([away.status, away.field('location')], [303, 'https://fn.example/hello?x=1']);
  const headers = ['Host', 'fn.example', 'Cookie', 'a=1', 'Cookie', 'b=2', 'X-List', '1', 'X-List', '2'];
  t.deepEqual((await ask(`${core.url}/url?b=2&a=%26&b=3`, {headers})).json(), {
    url: 'http://fn.example/url?b=2&a=%26&b=3',
    cookie: 'a=1; b=2',
    list: '1, 2',
  });
  const body = Buffer.from(Array.from({length: 100_000}, (_, index) => index % 256));
  const echo = await ask(`${core.url}/echo`, {method: 'POST', body, chunked: true});
  t.true(echo.body.equals(body));
});

test.serial('a Response of fetch() is passed on, without the coding that fetch() has taken away', async t => {
  const port = await freePort();
  const origin = http.createServer((_, response) => {
    response.writeHead(203, {'Content-Encoding': 'gzip', 'X-Origin': 'yes'});
    response.end(gzipSync('unpacked'));
  });
  await new Promise<void>(resolve => origin.listen(port, '127.0.0.1', resolve));
  t.teardown(() => void origin.close());
  const passed = await ask(`${core.url}/passes`, {headers: {'X-Origin': `http://127.0.0.1:${port}/`}});
  t.deepEqual([passed.status, passed.text(), passed.field('content-encoding'), passed.field('x-origin')], [203, 'unpacked', '', 'yes']);
});

test.serial('other events are a POST to /, and the context says by what they came', async t => {
  const ticked = await ask(core.url, {method: 'POST', headers: {SCW_TRIGGER_TYPE: 'cron'}, body: '{"a":1}'});
  t.is(ticked.text(), 'executed properly');
  await core.logged(({msg}) => msg === 'cron: {"a":1}');
});
