import test from 'ava';
import {systemClock} from '../../src/clock.ts';
import {openPrivate} from '../helpers/admin.ts';
import {type Asked, ask as askAt} from '../helpers/request.ts';

const ask = (url: string, {path = '/', ...asked}: Asked & {path?: string} = {}) => askAt(url + path, asked);

const path = '/api/session';
const signIn = (url: string, body: string, headers: Record<string, string> = {}) => ask(url, {method: 'POST', path, body, headers});

test('a wrong token, or a body that has none, signs nobody in', async t => {
  const {url} = await openPrivate(t, {token: 'secret'});
  for (const [body, status] of [
    ['{"token": "wrong"}', 403],
    ['{"token": ""}', 403],
    ['{"token": 1}', 400],
    ['{"token": "secret", "folder": "/a; Domain=evil.example/"}', 400],
    ['{"token": "secret", "folder": "/a"}', 400],
    ['null', 400],
    ['token=secret', 400],
    [`{"token": "${'x'.repeat(5000)}"}`, 413],
  ] as const) {
    const answer = await signIn(url, body);
    t.is(answer.status, status, body.slice(0, 50));
    t.is(answer.field('set-cookie'), '');
  }
});

test('many wrong tokens are slowed down, with the time to wait; the right one signs in meanwhile', async t => {
  const {url} = await openPrivate(t, {token: 'secret'});
  for (let sent = 0; sent < 20; sent++) t.is((await signIn(url, '{"token": "wrong"}')).status, 403);
  const answer = await signIn(url, '{"token": "wrong"}');
  t.is(answer.status, 429);
  t.is(answer.json().error.code, 'TOO_MANY_ATTEMPTS');
  t.is(answer.field('retry-after'), '3');
  t.is((await signIn(url, '{"token": "secret"}')).status, 204);
  t.is((await ask(url, {path: '/api/invocations', headers: {authorization: 'Bearer secret'}})).status, 200);
});

test('a browser signs in, reads, and signs out', async t => {
  const {url} = await openPrivate(t, {token: 'secret'});
  t.is((await ask(url, {path: '/api/invocations'})).status, 403);
  t.deepEqual((await ask(url, {path})).json(), {needed: true, signedIn: false});
  const answer = await signIn(url, '{"token": "secret"}', {origin: url});
  t.is(answer.status, 204);
  t.is(answer.field('cache-control'), 'no-store');
  const cookie = answer.field('set-cookie');
  t.regex(cookie, new RegExp(`^core_console_${new URL(url).port}=[\\w.-]+; Path=/api; Max-Age=43200; HttpOnly; SameSite=Strict$`));
  t.false(cookie.includes('secret'));
  const headers = {cookie: cookie.split(';', 1)[0] ?? ''};
  t.deepEqual((await ask(url, {path, headers})).json(), {needed: true, signedIn: true});
  t.is((await ask(url, {path: '/api/invocations', headers})).status, 200);
  t.is((await ask(url, {path: '/api/reload', method: 'POST', headers: {...headers, origin: 'https://evil.example'}})).status, 403);
  const out = await ask(url, {path, method: 'DELETE', headers});
  t.is(out.status, 204);
  t.regex(out.field('set-cookie'), /=; Path=\/api; Max-Age=0;/);
  t.is((await ask(url, {path: '/api/invocations', headers})).status, 403);
});

test('behind TLS the cookie is for TLS only', async t => {
  const {url} = await openPrivate(t, {token: 'secret'});
  const host = new URL(url).host;
  t.regex((await signIn(url, '{"token": "secret"}', {origin: `https://${host}`})).field('set-cookie'), /; Secure$/);
  t.regex((await signIn(url, '{"token": "secret"}', {'x-forwarded-proto': 'https'})).field('set-cookie'), /; Secure$/);
});

test('without a token nobody needs to sign in', async t => {
  const {url} = await openPrivate(t);
  t.deepEqual((await ask(url, {path})).json(), {needed: false, signedIn: false});
  const answer = await signIn(url, '{"token": "any"}');
  t.is(answer.status, 204);
  t.is(answer.field('set-cookie'), '');
});

test('below a path of a proxy the cookie is for the API there', async t => {
  const {url} = await openPrivate(t, {token: 'secret'});
  const answer = await signIn(url, '{"token": "secret", "folder": "/greet/admin/"}');
  t.regex(answer.field('set-cookie'), /; Path=\/greet\/admin\/api;/);
  const out = await ask(url, {path: `${path}?folder=/greet/admin/`, method: 'DELETE'});
  t.regex(out.field('set-cookie'), /=; Path=\/greet\/admin\/api; Max-Age=0;/);
});

test('no answer of the API may be kept, or taken for another type', async t => {
  const {url} = await openPrivate(t, {clock: systemClock});
  for (const page of ['/api/session', '/api/now', '/api/settings', '/api/invocations', '/api/facts', '/api/openapi.json', '/api/nothing']) {
    const answer = await ask(url, {path: page});
    t.is(answer.field('cache-control'), 'no-store', page);
    t.is(answer.field('x-content-type-options'), 'nosniff', page);
  }
});
