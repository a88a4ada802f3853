import {createHash} from 'node:crypto';
import {brotliDecompressSync, gunzipSync} from 'node:zlib';
import test from 'ava';
import {libraries} from '../../src/admin/console/libraries.ts';
import {openPrivate} from '../helpers/admin.ts';
import {type Asked, ask as askAt} from '../helpers/request.ts';

const ask = (url: string, {path = '/', ...asked}: Asked & {path?: string} = {}) => askAt(url + path, asked);

for (const path of [
  '/console/../../etc/passwd',
  '/console/..%2f..%2fpackage.json',
  '/console/%2e%2e/%2e%2e/package.json',
  '/console/..\\..\\package.json',
  '/console//etc/passwd.js',
  '/console/lib/../main.js',
  '/console/./main.js',
  '/console/.hidden.js',
  '/console/main.js%00.css',
  '/console/main.js/',
  '/console/lib/constructor.js',
  '/console/missing.js',
  '/console/../routes/console.ts',
]) {
  test(`${path} is not found`, async t => {
    const {url} = await openPrivate(t);
    const answer = await ask(url, {path});
    t.is(answer.status, 404);
    t.is(answer.json().error.code, 'NOT_FOUND');
  });
}

test('a foreign Host or Origin gets no page, and a listener that is open without a token has none', async t => {
  const {url} = await openPrivate(t);
  t.is((await ask(url, {headers: {host: 'evil.example:8090'}})).status, 403);
  t.is((await ask(url, {headers: {origin: 'https://evil.example'}})).status, 403);
  const open = await openPrivate(t, {host: '0.0.0.0'});
  t.is((await ask(open.url.replace('0.0.0.0', '127.0.0.1'))).status, 403);
});

test('a page of another site cannot post, signed in or not', async t => {
  const {url} = await openPrivate(t);
  for (const headers of [
    {origin: 'https://evil.example'},
    {origin: 'null'},
    {'sec-fetch-site': 'cross-site'},
    {'sec-fetch-site': 'same-site'},
  ]) {
    t.is((await ask(url, {method: 'POST', path: '/api/reload', headers})).status, 403);
    t.is((await ask(url, {method: 'POST', path: '/api/session', headers, body: '{"token":"x"}'})).status, 403);
  }
  t.is((await ask(url, {method: 'POST', path: '/api/reload', headers: {host: 'evil.example'}})).status, 403);
});

test('the page may run only its own scripts, and is served nowhere else', async t => {
  const {url} = await openPrivate(t, {token: 'secret'});
  const answer = await ask(url);
  t.is(answer.status, 200);
  t.is(answer.field('content-type'), 'text/html; charset=utf-8');
  t.is(answer.field('x-content-type-options'), 'nosniff');
  t.is(answer.field('referrer-policy'), 'no-referrer');
  const policy = answer.field('content-security-policy');
  for (const part of ["default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"])
    t.true(policy.includes(part), part);
  t.notRegex(policy, /unsafe|https?:|\*/);
  const scripts = [...answer.text().matchAll(/<script(?![^>]* src=)[^>]*>([\s\S]*?)<\/script>/g)];
  t.is(scripts.length, 1);
  t.true(
    policy.includes(
      `'sha256-${createHash('sha256')
        .update(scripts[0]?.[1] ?? '')
        .digest('base64')}'`,
    ),
  );
  t.notRegex(answer.text(), / on\w+=| style=|<style/);
});

const typesByExtension: Readonly<Record<string, RegExp>> = {css: /^text\/css/, js: /^text\/javascript/, svg: /^image\/svg\+xml/};

test('everything that the page and its map of imports name is served', async t => {
  const {url} = await openPrivate(t);
  const page = (await ask(url)).text();
  const named = [...page.matchAll(/"\.(\/console\/[^"]+)"/g)].map(([, path = '']) => path);
  t.true(named.length >= 4);
  for (const path of [...named, ...Object.keys(libraries).map(name => `/console/lib/${name}`)]) {
    const answer = await ask(url, {path});
    t.is(answer.status, 200, path);
    t.regex(answer.field('content-type'), typesByExtension[path.replace(/^.*\./, '')] ?? /^$/);
  }
});

test('a file is sent short to whoever accepts that, and not again to whoever has it', async t => {
  const {url} = await openPrivate(t);
  const path = '/console/lib/uplot.js';
  const plain = await ask(url, {path});
  const br = await ask(url, {path, headers: {'accept-encoding': 'gzip, br'}});
  const gzip = await ask(url, {path, headers: {'accept-encoding': 'gzip, br;q=0'}});
  t.deepEqual([plain.field('content-encoding'), br.field('content-encoding'), gzip.field('content-encoding')], ['', 'br', 'gzip']);
  t.deepEqual(brotliDecompressSync(br.body), plain.body);
  t.deepEqual(gunzipSync(gzip.body), plain.body);
  t.true(br.body.length < plain.body.length / 3);
  t.is(br.field('cache-control'), 'no-cache');
  const again = await ask(url, {path, headers: {'if-none-match': br.field('etag')}});
  t.is(again.status, 304);
  t.is(again.body.length, 0);
});

test('all that a browser loads for the first view is at most 150 KB', async t => {
  const {url} = await openPrivate(t);
  const page = await ask(url, {headers: {'accept-encoding': 'br'}});
  const html = (page.field('content-encoding') === 'br' ? brotliDecompressSync(page.body) : page.body).toString();
  const paths = new Set([...html.matchAll(/"\.(\/console\/[^"]+)"/g)].map(([, path = '']) => path));
  const files = await Promise.all([...paths].map(path => ask(url, {path, headers: {'accept-encoding': 'br'}})));
  const bytes = [page, ...files].reduce((sum, {body}) => sum + body.length, 0);
  t.true(files.length >= 30, 'every module is named in the page');
  t.true(bytes <= 150_000, `${bytes} bytes`);
  t.log(`${bytes} bytes in ${files.length + 1} answers`);
});

test('HEAD of the page has no body', async t => {
  const {url} = await openPrivate(t);
  const answer = await ask(url, {method: 'HEAD'});
  t.is(answer.status, 200);
  t.is(answer.body.length, 0);
});
