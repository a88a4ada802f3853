import {connect} from 'node:net';
import test from 'ava';
import {projectFile, type RunningCore, startCore} from '../helpers/core.ts';
import {ask, askRaw} from '../helpers/request.ts';

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

const returning = (result: unknown, method = 'POST') => ask(`${core.url}/?do=return`, {method, body: JSON.stringify(result)});

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

test('a handler that throws is a 500 with its message', async t => {
  const answer = await ask(`${core.url}/?do=throw&message=no%20luck`);
  t.is(answer.status, 500);
  t.is(answer.text(), 'An error occured during handler execution: no luck\n');
  t.is(answer.field('core-error'), 'HANDLER_FAILED');
  t.is(answer.field('x-content-type-options'), 'nosniff');
  t.is(answer.field('access-control-allow-origin'), '*');
});

test('a rejected promise becomes a problem document for callers that accept one', async t => {
  const answer = await ask(`${core.url}/?do=reject`, {headers: {Accept: 'application/problem+json'}});
  t.is(answer.status, 500);
  t.is(answer.field('content-type'), 'application/problem+json');
  const {title, status, detail, invocationId} = answer.json();
  t.deepEqual(
    {title, status, detail},
    {title: 'HANDLER_FAILED', status: 500, detail: 'An error occured during handler execution: rejected on purpose'},
  );
  t.is(invocationId, answer.field('core-invocation-id'));
});

const unsendable: readonly (readonly [string, unknown, RegExp])[] = [
  ['a status of 99', {statusCode: 99}, /statusCode .* got 99/],
  ['a status that is text', {statusCode: 'OK'}, /statusCode .* got "OK"/],
  ['a header name with a space', {headers: {'a b': 'x'}}, /"a b" is not a header name/],
  ['a header that splits the reply', {headers: {A: 'x\r\nB: y'}}, /header A holds a control character/],
  ['bytes that are not base64', {body: '*', isBase64Encoded: true}, /body is not base64/],
];
for (const [title, result, message] of unsendable) {
  test(`${title} is a 502 that says so, and the connection serves on`, async t => {
    const answer = await returning(result);
    t.is(answer.status, 502);
    t.regex(answer.text(), message);
  });
}

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

test('two cookies are two header lines', async t => {
  const answer = await returning({headers: {'Set-Cookie': ['a=1', 'b=2'], 'X-N': 5}, body: 'ok'});
  t.deepEqual(answer.headers.get('set-cookie'), ['a=1', 'b=2']);
  t.is(answer.field('x-n'), '5');
});

for (const [title, result, type, body] of [
  ['a text', 'plain', 'text/plain; charset=utf-8', 'plain'],
  ['an object', {a: [1]}, 'application/json', '{"a":[1]}'],
  ['a list', [1, 2], 'application/json', '[1,2]'],
  ['a number', 12.5, 'text/plain; charset=utf-8', '12.5'],
  ['true', true, 'text/plain; charset=utf-8', 'true'],
  ['nothing', null, '', ''],
  ['HTML', '<html><b>x</b></html>', 'text/html; charset=utf-8', '<html><b>x</b></html>'],
] as const) {
  test(`${title} without an envelope is itself the body`, async t => {
    const answer = await returning(result);
    t.is(answer.status, 200);
    t.is(answer.text(), body);
    t.is(answer.field('content-type'), type);
  });
}

test('a callback answers', async t => {
  const answer = await ask(`${core.url}/?do=callback`);
  t.is(answer.status, 202);
  t.is(answer.text(), 'called back');
});

test('HEAD has the length and no body', async t => {
  const answer = await ask(`${core.url}/?do=callback`, {method: 'HEAD'});
  t.is(answer.field('content-length'), '11');
  t.is(answer.body.length, 0);
});

test('HEAD has the length that the function gave, GET that of the body', async t => {
  const result = {headers: {'Content-Length': 1234, 'Content-Type': 'video/mp4'}};
  const head = await returning(result, 'HEAD');
  t.is(head.field('content-length'), '1234');
  t.is(head.field('content-type'), 'video/mp4');
  t.is((await returning(result)).field('content-length'), '0');
});

for (const status of [204, 304]) {
  test(`${status} has neither body nor length`, async t => {
    const answer = await returning({statusCode: status, body: 'dropped'});
    t.is(answer.status, status);
    t.is(answer.body.length, 0);
    t.is(answer.field('content-length'), '');
  });
}

test('header text beyond ASCII leaves as its UTF-8 bytes', async t => {
  const answer = await returning({headers: {'X-Name': 'Zoë 日本'}, body: 'é'});
  t.is(Buffer.from(answer.field('x-name'), 'latin1').toString('utf8'), 'Zoë 日本');
  t.is(answer.text(), 'é');
});

test('framing headers of the handler are dropped, its other ones win over the defaults', async t => {
  const answer = await returning({
    headers: {
      'content-length': '1',
      'Transfer-Encoding': 'chunked',
      connection: 'close',
      'content-type': 'text/x',
      'access-control-allow-origin': 'https://a',
    },
    body: 'four',
  });
  t.is(answer.text(), 'four');
  t.is(answer.field('content-length'), '4');
  t.is(answer.field('content-type'), 'text/x');
  t.deepEqual(answer.headers.get('access-control-allow-origin'), ['https://a']);
  t.is(answer.field('access-control-allow-headers'), 'Content-Type');
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

const refused: readonly (readonly [string, string, number])[] = [
  ['HTTP/1.1 without Host', 'GET / HTTP/1.1\r\n\r\n', 400],
  ['two Hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400],
  ['garbage', 'GARBAGE\r\n\r\n', 400],
  ['both framings', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
  ['another coding', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n', 400],
  ['CONNECT', 'CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n', 405],
  ['an unknown expectation', 'POST / HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\nContent-Length: 1\r\n\r\nx', 417],
  ['a head past 1 MiB', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(2 ** 20)}\r\n\r\n`, 431],
  ['more than 2,000 fields', `GET / HTTP/1.1\r\nHost: a\r\n${'X: y\r\n'.repeat(2000)}\r\n`, 431],
  ['HTTP/2 with prior knowledge', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 505],
  ['HTTP/2.0', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n', 505],
];
for (const [title, bytes, status] of refused) {
  test(`${title} is refused with ${status} and a closed connection`, async t => {
    const answer = await askRaw(core.url, bytes);
    t.regex(answer, new RegExp(`^HTTP/1.1 ${status} `));
    t.regex(answer, /^Core-Invocation-Id: /m);
    t.regex(answer, /^Core-Error: [A-Z_]+\r$/m);
    t.regex(answer, /^Connection: close\r$/m);
  });
}

test('bytes that are not a request wait for the answer to the request before them', async t => {
  for (const after of ['GARBAGE\r\n\r\n', 'CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n']) {
    const answer = await askRaw(core.url, `GET /?do=slow&ms=200 HTTP/1.1\r\nHost: a\r\n\r\n${after}`);
    t.regex(answer, /^HTTP\/1\.1 200 [\s\S]*?slowHTTP\/1\.1 40[05] /);
  }
});

test('a client that has closed its side still gets its answer', async t => {
  const {hostname, port} = new URL(core.url);
  const socket = connect({host: hostname, port: Number(port), allowHalfOpen: true});
  socket.end('GET /?do=slow&ms=200 HTTP/1.1\r\nHost: a\r\n\r\n');
  const chunks = await socket.toArray();
  t.regex(Buffer.concat(chunks).toString(), /^HTTP\/1\.1 200 [\s\S]*slow$/);
});

test('a client that leaves in its body does not make the function run', async t => {
  const {hostname, port} = new URL(core.url);
  const socket = connect({host: hostname, port: Number(port), allowHalfOpen: true});
  socket.end('POST /?do=log HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf');
  const answer = Buffer.concat(await socket.toArray()).toString();
  t.regex(answer, /^HTTP\/1\.1 400 /);
});

test('a health check in HTTP/1.0 without Host is served', async t => {
  t.regex(await askRaw(core.url, 'GET /?do=callback HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 202 [\s\S]*called back$/);
});

test('OPTIONS * is about the server and answered by the core', async t => {
  const answer = await askRaw(core.url, 'OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  t.regex(answer, /^HTTP\/1\.1 200 /);
  t.regex(answer, /^Content-Length: 0\r$/m);
});

test('of an absolute target the path is taken', async t => {
  const answer = await askRaw(core.url, 'GET http://elsewhere/there?do=mirror HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  t.regex(answer, /"path":"\/there"/);
});

test('a body is asked for with 100 Continue before it is read', async t => {
  const answer = await askRaw(
    core.url,
    'POST /?do=bytes HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi',
  );
  t.regex(answer, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK[\s\S]*hi$/);
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
