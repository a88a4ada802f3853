import test from 'ava';
import {projectFile, type RunningCore, startCore} from '../helpers/core.ts';
import {ask} from '../helpers/request.ts';

/* What a function returns, and how it leaves. */

let core: RunningCore;

test.before(async () => {
  core = await startCore({SCW_PUBLIC: 'true', SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/mirror')});
});
test.after.always(() => core?.stop());

const returning = (result: unknown, method = 'POST') => ask(`${core.url}/?do=return`, {method, body: JSON.stringify(result)});

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
