import test from 'ava';
import {projectFile} from '../helpers/core.ts';

// What a Lambda function gets, and how what it answers is read. The files are programs of their own, without types.

const {payloadOf} = await import(projectFile('runtimes/lambda/payload.mjs'));
const {replyOf, preludeIn, preludeMaxBytes} = await import(projectFile('runtimes/lambda/reply.mjs'));

const http = {
  resource: 'http',
  path: '/a b/é//c',
  httpMethod: 'POST',
  headers: {Host: 'fn.example:8080', 'X-List': '1, 2', Cookie: 'a=1; b=2', 'User-Agent': 'me/1'},
  multiValueHeaders: {Host: ['fn.example:8080'], 'X-List': ['1', '2'], Cookie: ['a=1; b=2'], 'User-Agent': ['me/1']},
  queryStringParameters: {q: 'é &'},
  multiValueQueryStringParameters: {q: ['1', 'é &']},
  pathParameters: {},
  stageVariables: null,
  requestContext: {eventType: 'http', requestId: 'id-1', identity: {sourceIp: '192.0.2.7'}},
};
const bare = {
  ...http,
  path: '/',
  headers: {},
  multiValueHeaders: {},
  queryStringParameters: {},
  multiValueQueryStringParameters: {},
};
const ticked = (schedule?: object) => ({
  ...bare,
  requestContext: {eventType: 'cron', requestId: 'id-2', schedule, identity: {sourceIp: ''}},
});
const payload = (kind: string, event: object, body: string | Buffer = '', form = 0) =>
  JSON.parse(payloadOf(kind, {event, form, body: Buffer.from(body)}, 'eu-west-1'));

test('a result that is none is refused', t => {
  const broken = Buffer.from('{"a":');
  for (const kind of ['2.0', '1.0', 'body', 'event']) t.throws(() => replyOf(kind, true, broken), {message: /is not JSON/}, kind);
  t.throws(() => replyOf('2.0', false, broken), {message: /is not JSON/});
  for (const text of ['"x"', '7', 'null', '', '{"a":1}', '[]']) {
    t.throws(() => replyOf('1.0', true, Buffer.from(text)), {message: /^Malformed Lambda proxy response/}, text);
  }
});

test('a streamed head without an end, or that is no JSON, is refused', t => {
  t.throws(() => preludeIn(Buffer.alloc(preludeMaxBytes + 1, 'x')), {message: /has no end/});
  t.throws(() => preludeIn(Buffer.from('{\0\0\0\0\0\0\0\0')), {message: /is not JSON/});
  t.is(preludeIn(Buffer.from('{"statusCode":200}\0\0\0\0\0\0\0')), undefined);
});

test('path and query of payload 2.0 are what came', t => {
  const call = {event: http, target: '/a%20b/%c3%A9%2F?q=1&p&q=%C3%A9+%26', form: 0, body: Buffer.alloc(0)};
  const event = JSON.parse(payloadOf('2.0', call, 'eu-west-1'));
  t.like(event, {rawPath: '/a%20b/%c3%A9%2F', rawQueryString: 'q=1&p&q=%C3%A9+%26', queryStringParameters: {q: '1,é &'}});
  t.is(event.requestContext.http.path, event.rawPath);
  t.like(JSON.parse(payloadOf('2.0', {...call, target: '/%2F'}, 'eu-west-1')), {rawPath: '/%2F', rawQueryString: ''});
  t.is(JSON.parse(payloadOf('1.0', call, 'eu-west-1')).path, http.path);
});

test('payload 2.0 is as API Gateway writes it', t => {
  const {requestContext, ...event} = payload('2.0', http, 'hé');
  t.deepEqual(event, {
    version: '2.0',
    routeKey: '$default',
    rawPath: '/a%20b/%C3%A9//c',
    rawQueryString: 'q=1&q=%C3%A9+%26',
    cookies: ['a=1', 'b=2'],
    headers: {host: 'fn.example:8080', 'x-list': '1,2', 'user-agent': 'me/1'},
    queryStringParameters: {q: '1,é &'},
    body: 'hé',
    isBase64Encoded: false,
  });
  const {time, timeEpoch, ...context} = requestContext;
  t.regex(time, /^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/);
  t.is(new Date(timeEpoch).toISOString().slice(17, 19), time.slice(18, 20));
  t.deepEqual(context, {
    accountId: '000000000000',
    apiId: 'core',
    domainName: 'fn.example',
    domainPrefix: 'fn',
    http: {method: 'POST', path: '/a%20b/%C3%A9//c', protocol: 'HTTP/1.1', sourceIp: '192.0.2.7', userAgent: 'me/1'},
    requestId: 'id-1',
    routeKey: '$default',
    stage: '$default',
  });
  t.deepEqual(
    Object.keys(payload('2.0', bare)).filter(name => ['cookies', 'queryStringParameters', 'body'].includes(name)),
    [],
  );
  t.like(payload('2.0', bare, Buffer.of(255, 0), 1), {body: '/wA=', isBase64Encoded: true});
});

test('payload 1.0 is as API Gateway writes it', t => {
  t.like(payload('1.0', http, 'x'), {
    version: '1.0',
    resource: '/{proxy+}',
    path: '/a b/é//c',
    httpMethod: 'POST',
    headers: http.headers,
    multiValueHeaders: http.multiValueHeaders,
    queryStringParameters: {q: 'é &'},
    multiValueQueryStringParameters: {q: ['1', 'é &']},
    pathParameters: {proxy: 'a b/é//c'},
    body: 'x',
    isBase64Encoded: false,
  });
  t.like(payload('1.0', bare), {
    resource: '/',
    pathParameters: null,
    queryStringParameters: null,
    multiValueQueryStringParameters: null,
    stageVariables: null,
    body: null,
  });
});

test('our own event is passed on with its body', t => {
  t.deepEqual(payload('event', http, '/wA=', 2), {...http, body: '/wA=', isBase64Encoded: true});
});

test('the body itself, and what did not come by HTTP, is JSON that is passed on', t => {
  t.is(payloadOf('body', {event: http, form: 0, body: Buffer.from('{ "a": 1e400 }')}, ''), '{ "a": 1e400 }');
  t.deepEqual(payload('body', http), {});
  t.is(payload('body', http, 'no JSON'), 'no JSON');
  t.is(payload('body', http, Buffer.of(255, 0), 1), '/wA=');
  const message = {...bare, requestContext: {...bare.requestContext, eventType: 'nats'}};
  for (const kind of ['2.0', '1.0', 'body']) t.deepEqual(payload(kind, message, '[1]'), [1], kind);
});

test('a tick of a schedule is an event of EventBridge, unless the schedule has an input', t => {
  const schedule = {name: 'nightly', occurrence: '2026-03-27T01:30:00.000Z'};
  for (const body of ['', '{}']) {
    t.deepEqual(payload('2.0', ticked(schedule), body), {
      version: '0',
      id: 'id-2',
      'detail-type': 'Scheduled Event',
      source: 'aws.events',
      account: '000000000000',
      time: '2026-03-27T01:30:00Z',
      region: 'eu-west-1',
      resources: ['arn:aws:events:eu-west-1:000000000000:rule/nightly'],
      detail: {},
    });
  }
  t.deepEqual(payload('2.0', ticked(schedule), '{"report":"sales"}'), {report: 'sales'});
  t.deepEqual(payload('1.0', ticked(), ''), {});
});

test('a result with a status is the answer, and with payload 2.0 any other is its body', t => {
  const read = (kind: string, text: string, isHttp = true) => replyOf(kind, isHttp, Buffer.from(text));
  const answer = '{"statusCode":201,"headers":{"a":"b"},"body":"é","cookies":["c=1"]}';
  for (const kind of ['2.0', '1.0']) {
    t.deepEqual(read(kind, answer), {form: 1, json: '{"statusCode":201,"headers":{"a":"b"},"cookies":["c=1"]}', body: 'é'}, kind);
    t.deepEqual(read(kind, '{"statusCode":204}'), {form: 0, json: '{"statusCode":204,"body":null}'}, kind);
  }
  t.is(read('1.0', '{"body":"x"}').body, 'x');
  const inferred = '{"statusCode":200,"headers":{"content-type":"application/json"}}';
  for (const text of ['{ "body": 1e400 }', '[1]', '7', 'null', '{"statusCode":null}']) {
    t.deepEqual(read('2.0', text), {form: 1, json: inferred, body: text}, text);
  }
  t.deepEqual(read('2.0', '"hé"'), {form: 1, json: inferred, body: 'hé'});
  t.deepEqual(read('body', answer), {form: 1, json: inferred, body: answer});
  t.deepEqual(read('event', answer), {form: 0, json: answer});
  t.deepEqual(read('2.0', answer, false), {form: 0, json: answer});
  t.deepEqual(read('event', ''), {form: 0, json: 'null'});
});

test('the head of a stream has status, headers and cookies', t => {
  const {json, first} = preludeIn(Buffer.from('{"statusCode":201,"cookies":["a=1"]}\0\0\0\0\0\0\0\0body\0'));
  t.deepEqual([JSON.parse(json), first.toString()], [{statusCode: 201, headers: {}, cookies: ['a=1']}, 'body\0']);
  t.is(JSON.parse(preludeIn(Buffer.alloc(8)).json).statusCode, 200);
});
