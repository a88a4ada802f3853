import http, {type IncomingMessage} from 'node:http';
import test, {type ExecutionContext} from 'ava';
import {projectFile, type RunningCore, startCore} from '../helpers/core.ts';
import {ask, firstOf} from '../helpers/request.ts';
import {askAndLeave, metricIs, openGate} from '../helpers/supervision.ts';

// Programs written for AWS Lambda: a client of its Runtime API by hand, behind a core.

const client = projectFile('test/fixtures/functions/lambda/client.mjs');
const settings = {
  CORE_RUNTIME: 'lambda',
  SCW_RUNTIME_BRIDGE: client,
  SCW_HANDLER_PATH: client,
  SCW_PUBLIC: 'true',
  CORE_JOURNAL: 'memory:',
};
const serve = (t: ExecutionContext, env: Record<string, string> = {}) => startCore({...settings, ...env}, t);

let core: RunningCore;

test.before(async t => {
  const env = {SCW_APPLICATION_NAME: 'greeter', SCW_APPLICATION_MEMORY: '256', AWS_REGION: 'fr-par', OWN: 'mine', CORE_CANCEL: 'abort'};
  core = await serve({...t, teardown() {}} as unknown as ExecutionContext, env);
});
test.after.always(() => core?.stop());

function begin(path: string, headers: Record<string, string> = {}): Promise<IncomingMessage> {
  const {promise, resolve, reject} = Promise.withResolvers<IncomingMessage>();
  http.get(core.url + path, {agent: false, headers}, resolve).once('error', reject);
  return promise;
}

const failure = 'An error occured during handler execution: ';

test.serial('what the function reports as an error, and what is no answer, is a 500', async t => {
  for (const [path, text] of [
    ['/error', 'no luck'],
    ['/next', 'The client asked for the next invocation and gave no response'],
    ['/broken', 'The response of the function is not JSON'],
    ['/endless-head', 'The streamed response broke off: The head of the streamed response has no end'],
    ['/headless', 'The streamed response ended before its head'],
    ['/huge', 'The response has more than 33554432 bytes'],
  ]) {
    const answer = await ask(core.url + path);
    t.deepEqual([answer.status, answer.text()], [500, `${failure}${text}\n`], path);
  }
  await core.logged(({msg, level, stack}) => msg === 'Oops: no luck' && level === 'error' && stack === 'Oops: no luck\nat app.py:7');
  t.is((await ask(`${core.url}/wrong`)).text(), '400,404,404');
  await core.logged(({msg}) => msg === 'again 400');
});

test.serial('a stream that fails behind its head is broken off', async t => {
  const gate = await openGate(t);
  const reply = await begin('/broken-off', gate.headers);
  t.is(reply.statusCode, 200);
  await firstOf(reply);
  await gate.open();
  await t.throwsAsync(reply.toArray(), {code: 'ECONNRESET'});
  await core.logged(({msg, level}) => msg === 'Oops: no luck' && level === 'error');
});

test.serial('a client that ends in a call costs that call, and another one takes the next', async t => {
  const answer = await ask(`${core.url}/exit`);
  t.like(answer, {status: 502});
  t.is(answer.field('core-error'), 'UPSTREAM_LOST');
  t.is((await ask(`${core.url}/text`)).text(), 'hello');
});

test.serial('a call that is not answered by its deadline costs its client', async t => {
  const answer = await ask(`${core.url}/stays`, {headers: {'Core-Timeout': '200ms'}});
  t.is(answer.status, 504);
  await core.logged(({msg}) => msg === 'Runtime.Timeout: Task timed out: its client is ended');
  t.is((await ask(`${core.url}/text`)).text(), 'hello');
});

test.serial('a caller who leaves ends its stream, and the client writes on into nothing', async t => {
  const gate = await openGate(t);
  const reply = await begin('/raw', gate.headers);
  await firstOf(reply);
  reply.destroy();
  await metricIs(core, 'faas_streams_open', 0);
  await gate.open();
  await core.logged(({msg}) => msg === 'posted /raw 202');
  const caller = askAndLeave(`${core.url}/next`, {});
  caller.leave();
  t.is((await ask(`${core.url}/text`)).text(), 'hello');
});

test.serial('an event is an invocation, with the variables and fields that clients read', async t => {
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  const context = Buffer.from('{"client":{}}').toString('base64');
  const answer = await ask(`${core.url}/event?a=1`, {method: 'POST', body: 'hi', headers: {traceparent, 'X-Amz-Client-Context': context}});
  const {event, headers, env} = answer.json();
  t.like(event, {version: '2.0', rawPath: '/event', rawQueryString: 'a=1', body: 'hi', isBase64Encoded: false});
  const id = answer.field('core-invocation-id');
  t.is(headers['lambda-runtime-aws-request-id'], id);
  t.is(event.requestContext.requestId, id);
  t.is(headers['lambda-runtime-invoked-function-arn'], 'arn:aws:lambda:fr-par:000000000000:function:greeter');
  t.regex(headers['lambda-runtime-trace-id'], /^Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=[0-9a-f]{16};Sampled=1$/);
  t.is(headers['lambda-runtime-client-context'], '{"client":{}}');
  t.true(Number(headers['lambda-runtime-deadline-ms']) > Date.now());
  const folder = projectFile('test/fixtures/functions/lambda');
  t.deepEqual(env, {
    AWS_LAMBDA_FUNCTION_NAME: 'greeter',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
    AWS_REGION: 'fr-par',
    LAMBDA_TASK_ROOT: folder,
    _HANDLER: 'client.handle',
    OWN: 'mine',
    cwd: folder,
  });
  await core.logged(({msg, invocationId}) => msg === 'run /event' && invocationId === id);
});

test.serial('responses are answers', async t => {
  const envelope = await ask(`${core.url}/envelope`);
  t.deepEqual([envelope.status, envelope.text(), envelope.field('x-a')], [201, 'hé', 'b']);
  t.deepEqual(envelope.headers.get('set-cookie'), ['a=1', 'b=2']);
  t.deepEqual((await ask(`${core.url}/multi`)).headers.get('x-a'), ['b', 'c']);
  t.deepEqual([...(await ask(`${core.url}/bytes`)).body], [255, 0]);
  const bare = await ask(`${core.url}/bare`);
  t.deepEqual([bare.status, bare.field('content-type'), bare.text()], [200, 'application/json', '{ "body": 1e400 }']);
  t.is((await ask(`${core.url}/null`)).body.length, 0);
  t.is((await ask(`${core.url}/large`)).body.length, 3_000_000);
  const body = Buffer.alloc(3_000_000, 'é');
  t.is((await ask(`${core.url}/event`, {method: 'POST', body})).json().event.body.length, 1_500_000);
});

test.serial('a streamed response leaves as it is made', async t => {
  const gate = await openGate(t);
  const reply = await begin('/raw', gate.headers);
  t.like(reply.headers, {'content-type': 'text/plain', 'transfer-encoding': 'chunked'});
  t.is(await firstOf(reply), 'first ');
  await gate.open();
  t.is(Buffer.concat(await reply.toArray()).toString(), 'second');
  const headed = await ask(`${core.url}/stream`);
  t.deepEqual([headed.status, headed.field('x-a'), headed.field('set-cookie'), headed.text()], [203, 'b', 'a=1', 'first second']);
  t.is((await ask(`${core.url}/empty`)).status, 200);
  t.is((await ask(`${core.url}/flood`)).body.length, 6_553_600);
});

test.serial('calls that come together are invocations one after the other', async t => {
  const answers = await Promise.all(Array.from({length: 5}, () => ask(`${core.url}/text`)));
  t.deepEqual(
    answers.map(answer => answer.text()),
    Array(5).fill('hello'),
  );
});

test('a client that says that it cannot begin is kept as broken, and each call says so', async t => {
  const own = await serve(t, {INIT: 'error'});
  const answer = await ask(own.url);
  t.is(answer.status, 500);
  t.regex(answer.text(), /Function Handler does not exist/);
  const ready = await ask(`${own.adminUrl}/readyz`);
  t.is(ready.status, 503);
  t.is(ready.json().cause, 'ImportError: no such module');
  t.is(await own.stop(), 0);
});

test('an error of the start of any length is kept', async t => {
  const own = await serve(t, {INIT: 'error', INIT_CHARS: String(20 * 2 ** 20)});
  t.is((await ask(own.url)).status, 500);
  t.regex((await ask(`${own.adminUrl}/readyz`)).json().cause, /^ImportError: no such module\.{60000}/);
});

test('a program that cannot be executed is kept as broken, too', async t => {
  const own = await startCore(
    {...settings, SCW_RUNTIME_BRIDGE: '', SCW_HANDLER_IS_BINARY: 'true', SCW_HANDLER_PATH: projectFile('test/fixtures/no-interpreter.sh')},
    t,
  );
  t.is((await ask(own.url)).status, 500);
  t.regex((await ask(`${own.adminUrl}/readyz`)).json().cause, /^Runtime\.InvalidEntrypoint: .*no-interpreter\.sh cannot be executed: /);
});

test('a client that ends before it asks for an invocation is started again', async t => {
  const own = await serve(t, {INIT: 'exit'});
  await own.logged(({reason, code}) => reason === 'exit-nonzero' && code === 7);
  await own.logged(({reason, code}) => reason === 'exit-nonzero' && code === 7);
  t.pass();
});

test('with payload 1.0, the body, or our event, and by a schedule', async t => {
  const one = await serve(t, {CORE_LAMBDA_PAYLOAD: '1.0'});
  t.like((await ask(`${one.url}/event?a=1`)).json().event, {version: '1.0', path: '/event', queryStringParameters: {a: '1'}});
  t.regex((await ask(`${one.url}/text`)).text(), /Malformed Lambda proxy response/);
  const schedules = JSON.stringify([{name: 'tick', cron: '0 0 1 1 *'}]);
  const body = await serve(t, {CORE_LAMBDA_PAYLOAD: 'body', CORE_SCHEDULES: schedules});
  const answer = await ask(body.url, {method: 'POST', body: '{"a":1}'});
  t.deepEqual([answer.field('content-type'), answer.json()], ['application/json', {event: {a: 1}}]);
  const fired = await ask(`${body.adminUrl}/api/schedules/tick/fire?at=2026-01-01T00:00:00Z`, {method: 'POST'});
  t.is(fired.status, 200, fired.text());
  const tick = /^run \/ \{"version":"0",.*"source":"aws\.events",.*"time":"2026-01-01T00:00:00Z",.*rule\/tick"\],"detail":\{\}\}$/;
  await body.logged(({msg}) => tick.test(String(msg)));
  const own = await serve(t, {CORE_LAMBDA_PAYLOAD: 'event'});
  t.like((await ask(`${own.url}/event`)).json().event, {resource: 'http', path: '/event', httpMethod: 'GET', body: ''});
});

test('a stop waits for the call in flight, and ends the client', async t => {
  const own = await serve(t);
  const gate = await openGate(t);
  const url = `${own.url}/raw`;
  const reply = ask(url, {headers: gate.headers});
  await own.logged(({msg}) => msg === 'run /raw');
  own.kill('SIGTERM');
  await own.logged(({msg}) => msg === 'Stopping');
  await gate.open();
  t.is((await reply).text(), 'first second');
  t.is(await own.exited, 0);
});
