import test from 'ava';
import {projectFile, type RunningCore, startCore} from '../helpers/core.ts';
import {ask} from '../helpers/request.ts';

let core: RunningCore;
const limit = 6_291_456;

test.before(async () => {
  core = await startCore({
    SCW_PUBLIC: 'true',
    SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/mirror'),
    SCW_APPLICATION_NAME: 'mirror',
    SCW_APPLICATION_VERSION: '7',
    SCW_APPLICATION_MEMORY: '256',
  });
});
test.after.always(() => core?.stop());

for (const [title, chunked] of [
  ['declared', false],
  ['chunked', true],
] as const) {
  test(`a ${title} body one byte past the limit is refused with the limit`, async t => {
    const answer = await ask(core.url, {method: 'POST', body: Buffer.alloc(limit + 1), chunked});
    t.is(answer.status, 413);
    t.is(answer.text(), `Request payload too large, max payload size = ${limit} bytes\n`);
    t.is(answer.field('core-error'), 'BODY_TOO_LARGE');
    t.is(answer.field('connection'), 'close');
  });

  test(`a ${title} body of exactly the limit comes back byte for byte`, async t => {
    const body = Buffer.alloc(limit, 'a');
    const answer = await ask(`${core.url}/?do=bytes`, {method: 'POST', body, chunked});
    t.is(answer.status, 200);
    t.true(answer.body.equals(body));
  });
}

test('a malformed % escape in the path is refused', async t => {
  const answer = await ask(`${core.url}/a%zz`);
  t.is(answer.status, 400);
  t.regex(answer.text(), /% escape\n$/);
});

test('an unknown trigger type is refused, in any case', async t => {
  const answer = await ask(core.url, {method: 'POST', headers: {SCW_TRIGGER_TYPE: 'carrier-pigeon'}});
  t.is(answer.status, 400);
  t.is(answer.text(), 'Trigger Type is not supported by Scaleway Functions Runtime\n');
  t.is((await ask(core.url, {headers: {scw_trigger_type: 'constructor'}})).status, 400);
});

test('the event is the contract’s, letter for letter', async t => {
  const answer = await ask(`${core.url}/a//../b%20c%C3%A9?q=first&q=last&plus=a+b`, {
    method: 'POST',
    headers: [
      'content-type',
      'text/plain',
      'X-Twice',
      '1',
      'x-twice',
      '2',
      'Cookie',
      'a=1',
      'Cookie',
      'b=2',
      'X-UTF',
      Buffer.from('é').toString('latin1'),
    ],
    body: Buffer.from('hi'), // a text would make Node's client write the head as UTF-8
  });
  const {event, context} = answer.json();
  const id = answer.field('core-invocation-id');
  t.like(event, {
    resource: 'http',
    path: '/a//../b cé',
    httpMethod: 'POST',
    queryStringParameters: {q: 'last', plus: 'a b'},
    multiValueQueryStringParameters: {q: ['first', 'last'], plus: ['a b']},
    pathParameters: {},
    stageVariables: null,
    body: 'hi',
    isBase64Encoded: false,
  });
  t.like(event.headers, {'Content-Type': 'text/plain', 'X-Twice': '1, 2', Cookie: 'a=1; b=2', 'X-Utf': 'é', Host: new URL(core.url).host});
  t.deepEqual(event.multiValueHeaders['X-Twice'], ['1', '2']);
  t.like(event.requestContext, {
    stage: 'dev',
    eventType: 'http',
    httpMethod: 'POST',
    path: '/a//../b cé',
    requestId: id,
    identity: {sourceIp: '127.0.0.1'},
  });
  t.like(context, {functionName: 'mirror', functionVersion: '7', memoryInMb: 256, memoryLimitInMb: 256, invocationId: id});
  t.true(context.deadlineMs > Date.now() && context.deadlineMs <= Date.now() + 300_000);
});

test('bytes of every value survive the way there and back', async t => {
  const body = Buffer.from(Array.from({length: 1024}, (_, index) => index % 256));
  const answer = await ask(`${core.url}/?do=bytes`, {method: 'POST', headers: {'Content-Type': 'application/x-thing'}, body});
  t.true(answer.body.equals(body));
  t.is(answer.field('content-type'), 'application/x-thing');
});

test('OPTIONS goes to the function', async t => {
  t.is((await ask(core.url, {method: 'OPTIONS'})).json().event.httpMethod, 'OPTIONS');
});

test('a platform’s cron call is an event of that type, and its answer only says whether it succeeded', async t => {
  const answer = await ask(`${core.url}/ignored?do=throw`, {method: 'PUT', headers: {SCW_TRIGGER_TYPE: 'cron'}, body: '{"tick":1}'});
  t.is(answer.status, 200);
  t.is(answer.text(), 'executed properly');
});

test('the public port serves the metrics, by GET and HEAD only', async t => {
  const answer = await ask(`${core.url}/metrics`);
  t.regex(answer.text(), /^# TYPE http_requests_total counter$/m);
  t.is((await ask(`${core.url}/metrics`, {method: 'HEAD'})).body.length, 0);
  t.is((await ask(`${core.url}/metrics`, {method: 'POST'})).json().event.path, '/metrics');
});

test('the private listener gives life, readiness and metrics, and nothing else', async t => {
  t.is((await ask(`${core.adminUrl}/secrets`)).status, 404);
  t.is((await ask(`${core.adminUrl}/livez`, {method: 'POST'})).status, 405);
  t.is((await ask(`${core.adminUrl}/livez`)).status, 200);
  await ask(core.url); // the sub-runtime is up by then
  t.deepEqual((await ask(`${core.adminUrl}/readyz`)).json(), {ready: true, phase: 'ready'});
  t.regex((await ask(`${core.adminUrl}/metrics`)).text(), /^core_conservation_drift\{function="mirror"\} 0$/m);
});

test('the function’s output is logged with the invocation it belongs to', async t => {
  const answer = await ask(`${core.url}/?do=log`);
  const line = await core.logged(
    ({msg, invocationId}) => msg === 'a line of the function' && invocationId === answer.field('core-invocation-id'),
  );
  t.is(line.source, 'function');
  t.is(line.stream, 'stdout');
});

test('the function sees no setting and no secret of the core', async t => {
  const env = (await ask(`${core.url}/?do=env`)).json();
  t.is(env.SCW_APPLICATION_NAME, 'mirror');
  t.is(env.CORE_CONCURRENCY, '100');
  t.deepEqual(
    Object.keys(env).filter(name => name.startsWith('CORE_') && name !== 'CORE_CONCURRENCY'),
    [],
  );
});
