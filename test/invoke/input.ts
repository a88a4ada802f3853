import test from 'ava';
import {readEvent} from '../../src/invoke/event.ts';
import {dueNow, type InvokeWish, requestInput} from '../../src/invoke/input.ts';

const request = (wish: Partial<InvokeWish> = {}) =>
  requestInput({method: undefined, path: undefined, headers: [], query: [], body: undefined, ...wish});

/** Name → values. */
const fields = ({headers}: {headers: readonly string[]}) =>
  headers.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${headers[index + 1]}`] : []));

test('a path that is none is refused', t => {
  for (const path of ['', 'todos', 'http:/', '?a=1']) {
    t.throws(() => request({path}), {name: 'Error', message: `--path: expected a path that begins with /, got \`${path}\``}, path);
  }
  t.throws(() => request({path: '/%zz'}), {message: /--path: .*malformed % escape/});
});

for (const [event, message] of [
  ['[]', /expected a JSON object/],
  ['{', /JSON/],
  ['{"httpMethod":1}', /expected httpMethod to be a text/],
  ['{"path":{}}', /expected path to be a text/],
  ['{"body":{"a":1}}', /expected body to be a text/],
  ['{"headers":[]}', /expected headers to be an object/],
  ['{"multiValueHeaders":{"A":[1]}}', /expected multiValueHeaders\.A to be a text/],
  ['{"queryStringParameters":{"a":null}}', /expected queryStringParameters\.a to be a text/],
] as const) {
  test(`an event is refused with what was expected: ${event}`, t => {
    t.throws(() => readEvent(event), {message});
  });
}

test('without options it is GET /, with the fields that every client sends', t => {
  const made = request();
  t.like(made, {eventType: 'http', reply: 'http', method: 'GET', path: '/', query: '', body: Buffer.alloc(0)});
  t.deepEqual(fields(made), ['Host: localhost', 'User-Agent: core-runtime-invoke', 'Accept: */*']);
});

test('the path is decoded, and its query comes before that of the options, which is encoded', t => {
  const made = request({
    path: '/a%20b/é?x=%31',
    query: [
      ['x', '2'],
      ['q', 'a b&c'],
    ],
  });
  t.is(made.path, '/a b/é');
  t.is(made.query, 'x=%31&x=2&q=a+b%26c');
});

test('a body makes it a POST with its length, and with the type that it has', t => {
  const typed = (body: string, headers: [string, string][] = []) => fields(request({body: Buffer.from(body), headers})).slice(3);
  t.deepEqual(typed('{"a":1}'), ['Content-Type: application/json', 'Content-Length: 7']);
  t.deepEqual(typed('hi'), ['Content-Type: text/plain; charset=utf-8', 'Content-Length: 2']);
  t.deepEqual(typed('é', [['content-type', 'text/csv']]), ['Content-Length: 2', 'content-type: text/csv']);
  t.is(request({body: Buffer.from('x')}).method, 'POST');
  t.is(request({body: Buffer.from('x'), method: 'PUT'}).method, 'PUT');
});

test('text beyond ASCII in a header travels as its UTF-8 bytes', t => {
  t.is(fields(request({headers: [['X-A', 'é']]})).at(-1), 'X-A: Ã©');
});

test('the parts of an event are used, and options replace them', t => {
  const event = readEvent(
    JSON.stringify({
      httpMethod: 'PUT',
      path: '/p q',
      headers: {'X-A': 'single'},
      multiValueHeaders: {'X-A': ['1', '2'], 'Content-Length': ['99'], Host: ['there.test']},
      queryStringParameters: {a: 'last'},
      multiValueQueryStringParameters: {a: ['first', 'last']},
      body: 'AP8=',
      isBase64Encoded: true,
    }),
  );
  const made = request({event});
  t.like(made, {method: 'PUT', path: '/p q', query: 'a=first&a=last', body: Buffer.from([0, 255])});
  t.deepEqual(fields(made).slice(2), [
    'Content-Type: text/plain; charset=utf-8',
    'Content-Length: 2',
    'X-A: 1',
    'X-A: 2',
    'Host: there.test',
  ]);
  const other = request({event, method: 'DELETE', headers: [['x-a', '3']], body: Buffer.from('{}')});
  t.is(other.method, 'DELETE');
  t.deepEqual(fields(other).slice(2), ['Content-Type: application/json', 'Content-Length: 2', 'Host: there.test', 'x-a: 3']);
  t.like(request({event: readEvent('{"body":null,"headers":null}')}), {method: 'GET', path: '/'});
});

test('a path of the options replaces that of an event', t => {
  t.is(request({event: readEvent('{"path":"/old"}'), path: '/new?a=1'}).path, '/new');
});

test('a tick is what a schedule delivers', t => {
  const tick = dueNow(undefined, '2026-11-29T00:00:00.000Z');
  t.like(tick, {shape: 'message', eventType: 'cron', reply: 'outcome', body: Buffer.from('{}')});
  t.deepEqual(tick.context, {schedule: {name: 'invoke', occurrence: '2026-11-29T00:00:00.000Z'}});
  t.deepEqual(dueNow(Buffer.from('{"a":1}'), '').body, Buffer.from('{"a":1}'));
});
