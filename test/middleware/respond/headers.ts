import test from 'ava';
import fc from 'fast-check';
import {readHeaders} from '../../../middleware/respond/headers.ts';
import {Fault} from '../../../src/errors.ts';

const read = (single: unknown, multi?: unknown) => readHeaders(single, multi, JSON.stringify({headers: single, multiValueHeaders: multi}));

test('a name that is not a token is refused and named', t => {
  for (const name of ['', ' ', 'a b', 'a:', 'a\r\nb', 'a\0', 'é', 'a(b)', '"a"', 'a,b', 'a/b', '[a]']) {
    const fault = t.throws(() => read({[name]: 'x'}), {instanceOf: Fault, code: 'RESULT_INVALID'}, name);
    t.true(fault?.message.includes(JSON.stringify(name)), name);
    t.throws(() => read(null, {[name]: ['x']}), {code: 'RESULT_INVALID'}, name);
  }
});

test('a value that could end or hide a header line is refused', t => {
  for (const value of ['a\r\nX-Evil: 1', 'a\nb', 'a\rb', 'a\0b', '\x7f', '\x0b', '\x1b[0m']) {
    for (const given of [value, [value], ['fine', value]]) {
      t.throws(() => read({'X-A': given}), {instanceOf: Fault, code: 'RESULT_INVALID', message: /header X-A holds a control character/});
    }
    t.throws(() => read(null, {'X-A': [value]}), {code: 'RESULT_INVALID'});
  }
});

test('a value of another type is refused', t => {
  for (const value of [{}, {a: 1}, [[]], [{}], [['a']]]) {
    t.throws(() => read({'X-A': value}), {code: 'RESULT_INVALID', message: /header X-A must be a string, number, boolean or an array/});
  }
});

test('framing and hop-by-hop names are dropped, and those that only the core sets', t => {
  const dropped = [
    'Content-Length',
    'Transfer-Encoding',
    'Connection',
    'Keep-Alive',
    'Upgrade',
    'Trailer',
    'TE',
    'Proxy-Connection',
    'Proxy-Authenticate',
    'Proxy-Authorization',
    'Core-Invocation-Id',
    'Core-Error',
  ];
  for (const name of dropped.flatMap(name => [name, name.toLowerCase(), name.toUpperCase()])) {
    t.deepEqual(read({[name]: '5', 'X-A': 'kept'}), ['X-A', 'kept'], name);
    t.deepEqual(read(null, {[name]: ['5'], 'X-A': ['kept']}), ['X-A', 'kept'], name);
  }
});

test('null is skipped, alone and in a list', t => {
  t.deepEqual(read({'X-A': null, 'X-B': ['1', null, '2'], 'X-C': []}), ['X-B', '1', 'X-B', '2']);
});

test('of a field that an answer has only once, the last is sent, in any case', t => {
  t.deepEqual(read({'Content-Type': ['a/b', 'c/d'], 'X-A': ['1', '2']}), ['Content-Type', 'c/d', 'X-A', '1', 'X-A', '2']);
  t.deepEqual(read({'content-type': 'a/b', 'X-A': '1', 'CONTENT-TYPE': 'c/d'}), ['X-A', '1', 'CONTENT-TYPE', 'c/d']);
  t.deepEqual(read(null, {Location: ['/a', '/b', null]}), ['Location', '/b']);
  t.deepEqual(read({date: 'x', Date: [], DATE: null}), ['date', 'x']);
  t.throws(() => read({'Content-Type': ['a\nb', 'c/d']}), {code: 'RESULT_INVALID'});
  t.deepEqual(read({'Set-Cookie': ['a=1', 'b=2'], 'set-cookie': 'c=3'}), ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'set-cookie', 'c=3']);
});

test('texts, numbers and booleans are sent as they were written', t => {
  const json = '{"headers":{"A":"t","B":12345678901234567890,"C":true,"D":[1.50,"x",false],"E":1e400,"F":"","G":0}}';
  t.deepEqual(readHeaders(JSON.parse(json).headers, undefined, json), [
    ...['A', 't', 'B', '12345678901234567890', 'C', 'true', 'D', '1.50', 'D', 'x', 'D', 'false', 'E', '1e400', 'F', '', 'G', '0'],
  ]);
});

test('two cookies are two fields', t => {
  t.deepEqual(read({'Set-Cookie': ['a=1; Path=/', 'b=2']}), ['Set-Cookie', 'a=1; Path=/', 'Set-Cookie', 'b=2']);
});

test('where both maps name a field, in any case, multiValueHeaders count', t => {
  t.deepEqual(read({'x-a': 'single', 'X-B': 'b'}, {'X-A': ['1', '2']}), ['X-B', 'b', 'X-A', '1', 'X-A', '2']);
});

test('a value beyond ASCII goes out as its UTF-8 bytes', t => {
  const [, value = ''] = read({'X-A': 'é€😀'});
  t.is(Buffer.from(value, 'latin1').toString('utf8'), 'é€😀');
});

test('a tab is allowed, as RFC 9110 §5.5 does', t => {
  t.deepEqual(read({'X-A': 'a\tb'}), ['X-A', 'a\tb']);
});

test('names of Object’s prototype are names like any other', t => {
  const given = JSON.parse('{"__proto__":"p","constructor":"c","toString":"t","hasOwnProperty":1}');
  t.deepEqual(read(given), ['__proto__', 'p', 'constructor', 'c', 'toString', 't', 'hasOwnProperty', '1']);
});

test('any value without control characters survives byte for byte', t => {
  fc.assert(
    fc.property(fc.string({unit: 'grapheme'}), text => {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are refused, above
      const value = text.replaceAll(/[\x00-\x08\x0a-\x1f\x7f]/g, '');
      const [, sent = ''] = read({'X-A': value});
      return Buffer.from(sent, 'latin1').equals(Buffer.from(value));
    }),
  );
  t.pass();
});
