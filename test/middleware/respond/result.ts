import test from 'ava';
import {readResult} from '../../../middleware/respond/result.ts';
import {Fault} from '../../../src/errors.ts';
import type {EventReply} from '../../../src/runtime.ts';
import {runtimeReply} from '../../helpers/fakes.ts';

const refuses = (reply: EventReply) => {
  try {
    return `accepted: ${JSON.stringify(readResult(reply))}`;
  } catch (error) {
    return error instanceof Fault ? `${error.status} ${error.code} ${error.message}` : String(error);
  }
};

test('a status that no sub-runtime may send is refused', t => {
  for (const status of [300, 302, 304, 400, 404, 499, 501, 502, 503, 599]) {
    t.is(
      refuses(runtimeReply('{}', {status})),
      `502 UPSTREAM_PROTOCOL The sub-runtime broke the protocol: it answered with status ${status}, expected 200 to 299 or 500`,
    );
  }
});

test('application/json that is not one JSON value is refused', t => {
  for (const body of ['hello', '{"a":1', '{"a":1}{"b":2}', "{'a':1}", ' ', 'NaN', '"a', '\ufeff{}', 'undefined', '[1,]']) {
    t.regex(refuses(runtimeReply(body)), /^502 UPSTREAM_PROTOCOL .*application\/json is not one JSON value$/, body);
  }
});

test('application/json that is not UTF-8 is refused', t => {
  t.regex(refuses(runtimeReply(Buffer.from([0x22, 0xff, 0x22]))), /^502 UPSTREAM_PROTOCOL .*not UTF-8$/);
});

test('a reply without framing counts only when it is a complete JSON value', t => {
  const foreign = {contentType: 'text/plain', framed: false};
  for (const body of ['hello', '{"a":1', '{"a', '', ' ', Buffer.from([0xff, 0xfe])]) {
    t.regex(refuses(runtimeReply(body, foreign)), /^502 UPSTREAM_PROTOCOL .*neither a length nor chunks/, String(body));
  }
  t.regex(refuses(runtimeReply('', {framed: false})), /^502 UPSTREAM_PROTOCOL /);
  t.deepEqual(readResult(runtimeReply('{"a":1}', foreign)), {kind: 'json', value: {a: 1}, json: '{"a":1}'});
  t.deepEqual(readResult(runtimeReply('12', foreign)), {kind: 'text', body: '12'});
  t.deepEqual(readResult(runtimeReply('"x"', {framed: false})), {kind: 'json', value: 'x', json: '"x"'});
});

test('500 is the handler’s error, with the prefix once and without the newline at its end', t => {
  const prefix = 'An error occured during handler execution: ';
  const say = (body: string) => refuses(runtimeReply(body, {status: 500, contentType: 'text/plain'}));
  t.is(say('boom'), `500 HANDLER_FAILED ${prefix}boom`);
  t.is(say('boom\r\n\n'), `500 HANDLER_FAILED ${prefix}boom`);
  t.is(say('two\nlines\n'), `500 HANDLER_FAILED ${prefix}two\nlines`);
  t.is(say(`${prefix}boom`), `500 HANDLER_FAILED ${prefix}boom`);
  t.is(say(''), `500 HANDLER_FAILED ${prefix}`);
  t.is(say('x'.repeat(70_000)), `500 HANDLER_FAILED ${prefix}${'x'.repeat(65_536)} [cut]`);
});

test('500 for a missing handler has a code of its own', t => {
  const text =
    'Function Handler does not exist, check that you provided the right HANDLER parameter (path to your module with exported function to use)';
  const full = `500 HANDLER_MISSING An error occured during handler execution: ${text}`;
  t.is(refuses(runtimeReply(text, {status: 500})), full);
  t.is(refuses(runtimeReply(`An error occured during handler execution: ${text}\n`, {status: 500})), full);
});

test('an empty body is no result, with any type and status', t => {
  for (const contentType of ['application/json', 'text/plain', '']) {
    for (const status of [200, 201, 204, 299]) t.deepEqual(readResult(runtimeReply('', {status, contentType})), {kind: 'none'});
  }
  t.deepEqual(readResult(runtimeReply('', {status: 204, framed: false})), {kind: 'none'});
});

test('with application/json every JSON value is itself, with any case and parameters of the type', t => {
  for (const contentType of ['application/json', 'Application/JSON; charset=utf-8', 'application/json ;x']) {
    t.deepEqual(readResult(runtimeReply('"x"', {contentType})), {kind: 'json', value: 'x', json: '"x"'});
    t.deepEqual(readResult(runtimeReply(' 1.0\n', {contentType})), {kind: 'json', value: 1, json: '1.0'});
    t.deepEqual(readResult(runtimeReply('null', {contentType})), {kind: 'json', value: null, json: 'null'});
  }
});

test('with another or no type, an object or array is that value and any other text is the body', t => {
  for (const contentType of ['text/plain; charset=utf-8', '', 'text/html', 'application/jsonx', 'application/json-patch']) {
    const read = (body: string | Buffer) => readResult(runtimeReply(body, {contentType}));
    t.deepEqual(read(' {"statusCode": 404}\n'), {kind: 'json', value: {statusCode: 404}, json: '{"statusCode": 404}'});
    t.deepEqual(read('[1]'), {kind: 'json', value: [1], json: '[1]'});
    for (const body of ['hello', '"quoted"', '12', 'true', 'null', ' padded ', '{broken', '[1', '{}{}', '<p>']) {
      t.deepEqual(read(body), {kind: 'text', body}, body);
    }
    t.deepEqual(read(Buffer.from([0xff, 0])), {kind: 'bytes', body: Buffer.from([0xff, 0])});
  }
});

test('long runs of space cost no more than their length', t => {
  const spaces = ' '.repeat(2 ** 20);
  const body = JSON.stringify(`a${spaces}b${'\n'.repeat(10)}`);
  // Were it their square, the run's own time limit would end this.
  t.deepEqual(readResult(runtimeReply(`${body}${spaces}`)), {kind: 'json', value: JSON.parse(body), json: body});
  t.regex(refuses(runtimeReply(`a${'\n'.repeat(2 ** 20)}b`, {status: 500})), /^500 HANDLER_FAILED/);
});
