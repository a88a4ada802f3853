import test from 'ava';
import fc from 'fast-check';
import {Fault} from '../../../src/errors.ts';
import {parseTarget, rawTarget} from '../../../triggers/http/target.ts';

test('a malformed escape in the path is refused', t => {
  for (const target of ['/%', '/%4', '/%zz', '/a%2', '/%%41', '/%u0041', '/a%2gb', '/%-1', '/% 41', 'http://h/%', '/%\xc3']) {
    const fault = t.throws(() => parseTarget(target), {instanceOf: Fault, code: 'REQUEST_MALFORMED'}, target);
    t.is(fault?.message, 'Bad request: the path holds a malformed % escape');
  }
});

test('what is neither a path nor an absolute http URL is refused', t => {
  for (const target of [
    '',
    '*',
    'a',
    'example.com:443',
    'ftp://h/',
    'file:///etc/passwd',
    'http:/h',
    'http:///',
    'http://',
    'https:',
    'javascript:alert(1)',
    '?q=1',
  ]) {
    t.throws(() => parseTarget(target), {instanceOf: Fault, code: 'REQUEST_MALFORMED'}, target);
  }
});

/** With the origin form, where it is not the target itself. */
const table: [target: string, path: string, query: string, origin?: string][] = [
  ['/', '/', ''],
  ['/test', '/test', ''],
  ['/test?q=1', '/test', 'q=1'],
  ['/test?', '/test', ''],
  ['/a?b?c', '/a', 'b?c'],
  ['/??a=1', '/', '?a=1'],
  ['//a//b', '//a//b', ''],
  ['/a/../b/./c', '/a/../b/./c', ''],
  ['/..', '/..', ''],
  ['/a%20b+c', '/a b+c', ''],
  ['/a%2Fb', '/a/b', ''],
  ['/a%2fb', '/a/b', ''],
  ['/%3Fq', '/?q', ''],
  ['/%25', '/%', ''],
  ['/%2525', '/%25', ''],
  ['/%00', '/\0', ''],
  ['/%C3%A9', '/é', ''],
  ['/\xc3\xa9', '/é', ''],
  ['/\xc3%A9', '/é', ''],
  ['/%F0%9F%98%80', '/😀', ''],
  ['/%FF', '/\ufffd', ''],
  ['/\xff', '/\ufffd', ''],
  ['/%C3', '/\ufffd', ''],
  ['/%ED%A0%80', '/\ufffd\ufffd\ufffd', ''],
  ['/a?%zz', '/a', '%zz'],
  ['/a?b=%C3%A9', '/a', 'b=%C3%A9'],
  ['/a?b=\xc3\xa9', '/a', 'b=é'],
  ['/a#b', '/a#b', ''],
  ['http://example.com/a?b', '/a', 'b', '/a?b'],
  ['HTTPS://example.com:8443//a', '//a', '', '//a'],
  ['http://example.com', '/', '', '/'],
  ['http://example.com?a=1', '/', 'a=1', '/?a=1'],
  ['http://user:pass@example.com/a', '/a', '', '/a'],
  ['http://[::1]:80/a', '/a', '', '/a'],
  ['/http://example.com/a', '/http://example.com/a', ''],
];

for (const [target, path, query, origin = target] of table) {
  test(`reads the target ${JSON.stringify(target)}`, t => t.deepEqual(parseTarget(target), {origin, path, query}));
}

test('a malformed escape of a target that is passed on is left to the server', t => {
  t.deepEqual(parseTarget('/a%zz?b', true), {origin: '/a%zz?b', path: '/a%zz', query: 'b'});
  t.deepEqual(parseTarget('/a%20b', true).path, '/a b');
});

test('every text that a client encodes is the path', t => {
  fc.assert(
    fc.property(fc.string({unit: 'grapheme'}), text => {
      const path = `/${text.toWellFormed()}`;
      return parseTarget(encodeURI(path).replaceAll(/[?#]/g, encodeURIComponent)).path === path;
    }),
  );
  t.pass();
});

test('a target is kept as it came where the path does not tell all of it, in ASCII', t => {
  for (const plain of ['/', "/a/b;v=1/:@!$&'()*+,=~", '/a\'"<>[]^`{|}\\#']) t.is(rawTarget(plain), undefined, plain);
  for (const target of ['/%41', '/?', '/a?b', '/%zz']) t.is(rawTarget(target), target);
  t.is(rawTarget('/\xe9\x7f'), '/%E9%7F');
});

test('any target is read or refused as malformed', t => {
  const bytes = fc.string({unit: fc.integer({min: 0, max: 255}).map(code => String.fromCharCode(code))});
  fc.assert(
    fc.property(bytes, fc.constantFrom('', '/', 'http://h/', '/%'), (text, start) => {
      try {
        const {path, query} = parseTarget(start + text);
        return path.startsWith('/') && path.isWellFormed() && query.isWellFormed();
      } catch (error) {
        return error instanceof Fault && error.code === 'REQUEST_MALFORMED';
      }
    }),
    {numRuns: 1000},
  );
  t.pass();
});
