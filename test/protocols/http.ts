import test from 'ava';
import {addressNames} from '../../protocols/http/environment.ts';
import {passFields, passTrailers} from '../../protocols/http/fields.ts';
import {passedRequest} from '../../protocols/http/request.ts';
import type {RequestInput} from '../../src/delivery.ts';

const facts = {id: 'id-1', deadlineMs: 0, credential: undefined};

/** A message, or a request that was kept as work. */
const whole = (some: Partial<RequestInput>): RequestInput => ({
  shape: 'request',
  eventType: 'nats',
  reply: 'outcome',
  method: 'POST',
  path: '/',
  query: '',
  headers: [],
  body: Buffer.from('hi'),
  sourceIp: '',
  ...some,
});

const passedOf = (raw: readonly string[]) => {
  const passed: string[] = [];
  passFields(raw, (name, value) => passed.push(name, value));
  return passed;
};

test('fields of the hop, and those that Connection lists, stay behind, in any case', t => {
  const raw = [
    'CONNECTION',
    'X-One, upgrade ,close',
    'x-one',
    '1',
    'X-Two',
    '2',
    'Upgrade',
    'a',
    'TE',
    'b',
    'tRansfer-encoding',
    'chunked',
  ];
  t.deepEqual(passedOf(raw), ['X-Two', '2']);
});

test('what Connection must not take away stays', t => {
  const raw = ['Connection', 'Host, Content-Length', 'Host', 'a', 'Content-Length', '1', 'Trailer', 'X-Sum'];
  t.deepEqual(passedOf(raw), ['Host', 'a', 'Content-Length', '1', 'Trailer', 'X-Sum']);
});

test('trailers that pass for fields of a head, or for the credential, stay behind', t => {
  const raw = ['Host', 'a', 'AUTHORIZATION', 'b', 'X-Auth-Token', 'c', 'X-Sum', '1', 'Transfer-Encoding', 'd', 'X-Forwarded-For', 'e'];
  t.deepEqual(passTrailers(raw, 'x-auth-token'), ['X-Sum', '1']);
});

test('attributes of a message that HTTP cannot carry, or that frame it, stay behind', t => {
  const headers = [
    'Content-Type',
    'text/x',
    'bad name',
    '1',
    'X-Bad',
    'a\nb',
    'Content-Length',
    '99',
    'Host',
    'b',
    'X-Good',
    'gr\xfc\xdfe',
  ];
  const sent = passedRequest(whole({headers, context: {a: 'é'}}), facts);
  t.deepEqual(sent.headers, [
    ...['Host', 'localhost', 'Content-Type', 'text/x', 'X-Good', 'gr\xfc\xdfe'],
    ...['Core-Event-Type', 'nats', 'Core-Event-Context', '{"a":"\\u00e9"}', 'Content-Length', '2'],
  ]);
  t.like(sent, {method: 'POST', target: '/', body: Buffer.from('hi')});
});

test('a request that was kept has the target that it came with', t => {
  const kept = {eventType: 'http', method: 'PUT', path: '/a/b', query: 'q=%2f&a', target: '/a%2fb?q=%2f&a'};
  t.is(passedRequest(whole(kept), facts).target, '/a%2fb?q=%2f&a');
});

test('a request that was kept without its target has its path encoded anew, and its query as it was', t => {
  const sent = passedRequest(whole({eventType: 'http', method: 'PUT', path: '/a b/é?/%', query: 'q=%20+é'}), facts);
  t.is(sent.target, '/a%20b/%C3%A9%3F/%25?q=%20+%C3%A9');
  t.false(sent.headers.includes('Core-Event-Type'));
});

test('a request that was kept goes to its host, and says who sent it, as one that passes through does', t => {
  const kept = {eventType: 'http', reply: 'http', sourceIp: '192.0.2.1'} as const;
  const raw = ['Host', 'shop.example', 'X-A', '1', 'X-Forwarded-For', '10.0.0.1', 'Expect', '100-continue', 'Content-Length', '99'];
  t.deepEqual(passedRequest(whole({...kept, headers: raw}), facts).headers, [
    ...['Host', 'shop.example', 'X-A', '1', 'X-Forwarded-For', '10.0.0.1, 192.0.2.1'],
    ...['X-Forwarded-Proto', 'http', 'X-Forwarded-Host', 'shop.example', 'Content-Length', '2'],
  ]);
  const behind = ['Host', 'a', 'X-Forwarded-Proto', 'https', 'X-Forwarded-Host', 'b', 'X-Bad', 'a\r\nb'];
  t.deepEqual(passedRequest(whole({...kept, headers: behind}), facts).headers, [
    ...['Host', 'a', 'X-Forwarded-Proto', 'https', 'X-Forwarded-Host', 'b', 'X-Forwarded-For', '192.0.2.1', 'Content-Length', '2'],
  ]);
  const without = {...kept, sourceIp: '', headers: []};
  t.deepEqual(passedRequest(whole(without), facts).headers, ['Host', 'localhost', 'X-Forwarded-Proto', 'http', 'Content-Length', '2']);
});

test('the names of the address keep what the user has for Gunicorn', t => {
  const names = addressNames({host: '::1', port: 81}, {GUNICORN_CMD_ARGS: '--workers=2'});
  t.like(names, {PORT: '81', HOST: '::1', ASPNETCORE_URLS: 'http://[::1]:81', GUNICORN_CMD_ARGS: '--workers=2 --bind=[::1]:81'});
});
