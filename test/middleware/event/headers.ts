import test from 'ava';
import fc from 'fast-check';
import {canonicalName, writeHeaders} from '../../../middleware/event/maps.ts';

/** Written and read again, as a bridge does. */
function headersOf(raw: string[], credential?: string) {
  const {single, multi} = writeHeaders(raw, credential);
  return {
    single: JSON.parse(single) as Record<string, string>,
    multi: JSON.parse(multi) as Record<string, string[]>,
  };
}

/** As Node gives it: the bytes as latin1. */
const received = (text: string) => Buffer.from(text).toString('latin1');

test('hop-by-hop fields never reach the event', t => {
  const names = [
    'Connection',
    'Keep-Alive',
    'Proxy-Authenticate',
    'Proxy-Authorization',
    'Proxy-Connection',
    'TE',
    'Trailer',
    'Transfer-Encoding',
    'Upgrade',
  ];
  for (const name of names.flatMap(name => [name, name.toLowerCase(), name.toUpperCase()])) {
    t.deepEqual(headersOf([name, 'x', 'Accept', '*/*']), {single: {Accept: '*/*'}, multi: {Accept: ['*/*']}}, name);
  }
});

test('Host is never one of the fields that Connection lists', t => {
  t.deepEqual(headersOf(['Connection', 'host, X-A', 'X-A', '1', 'Host', 'a.example']).single, {Host: 'a.example'});
});

test('a field that Connection lists is removed, in any order and case', t => {
  const raw = [
    'x-one',
    '1',
    'connection',
    'keep-alive, X-ONE ,, x-two',
    'X-Two',
    '2',
    'CONNECTION',
    'x-three',
    'X-Three',
    '3',
    'X-Four',
    '4',
  ];
  t.deepEqual(headersOf(raw).single, {'X-Four': '4'});
});

test('the field that let the caller in is removed, the other token fields are not', t => {
  const raw = [
    'SCW-Functions-Token',
    'a',
    'scw-functions-token',
    'b',
    'Authorization',
    'Bearer c',
    'X-Auth-Token',
    'd',
    'scw_functions_token',
    'e',
  ];
  t.deepEqual(Object.keys(headersOf(raw, 'scw-functions-token').single), ['Authorization', 'X-Auth-Token', 'Scw_functions_token']);
  t.deepEqual(Object.keys(headersOf(raw, 'scw_functions_token').single), ['Scw-Functions-Token', 'Authorization', 'X-Auth-Token']);
  t.deepEqual(Object.keys(headersOf(raw, 'authorization').single), ['Scw-Functions-Token', 'X-Auth-Token', 'Scw_functions_token']);
  t.is(Object.keys(headersOf(raw).single).length, 4);
});

const names: [given: string, canonical: string][] = [
  ['content-type', 'Content-Type'],
  ['CONTENT-TYPE', 'Content-Type'],
  ['cOnTeNt-tYpE', 'Content-Type'],
  ['host', 'Host'],
  ['etag', 'Etag'],
  ['www-authenticate', 'Www-Authenticate'],
  ['x-b3-traceid', 'X-B3-Traceid'],
  ['x--a', 'X--A'],
  ['-a-', '-A-'],
  ['scw_functions_token', 'Scw_functions_token'],
  ['x_FORWARDED_for', 'X_forwarded_for'],
  ['1abc-2def', '1abc-2def'],
  ['a.b', 'A.b'],
  ["!#$%&'*+.^_`|~-x", "!#$%&'*+.^_`|~-X"],
  ['__proto__', '__proto__'],
];

for (const [given, canonical] of names) {
  test(`writes ${given} as Go does: ${canonical}`, t => {
    t.is(canonicalName(given), canonical);
    t.is(canonicalName(canonical), canonical);
  });
}

test('repeats are joined with a comma, Cookie with a semicolon, and all stand in the multi-value map', t => {
  const {single, multi} = headersOf(['Accept', 'a', 'Cookie', 'x=1', 'ACCEPT', 'b, c', 'cookie', 'y=2', 'Accept', '', 'Host', 'h']);
  t.deepEqual(single, {Accept: 'a, b, c, ', Cookie: 'x=1; y=2', Host: 'h'});
  t.deepEqual(multi, {Accept: ['a', 'b, c', ''], Cookie: ['x=1', 'y=2'], Host: ['h']});
});

test('bytes are read as UTF-8; those that are not UTF-8 become U+FFFD', t => {
  const {single} = headersOf(['X-A', received('é€😀'), 'X-B', 'caf\xe9', 'X-C', received('\u2028"\\')]);
  t.deepEqual(single, {'X-A': 'é€😀', 'X-B': 'caf\ufffd', 'X-C': '\u2028"\\'});
});

test('names of Object’s prototype are fields like any other', t => {
  const {single, multi} = headersOf(['__proto__', 'p', 'constructor', 'c', '__PROTO__', 'q']);
  t.deepEqual(Object.entries(single), [
    ['__proto__', 'p, q'],
    ['Constructor', 'c'],
  ]);
  t.deepEqual(Object.getOwnPropertyDescriptor(multi, '__proto__')?.value, ['p', 'q']);
  t.is(Object.getPrototypeOf(single), Object.prototype);
});

test('more names than are remembered are written as well', t => {
  const raw = Array.from({length: 1500}, (_, index) => [`x-name-${index}`, String(index)]).flat();
  const {single} = headersOf(raw);
  t.is(single['X-Name-0'], '0');
  t.is(single['X-Name-1499'], '1499');
});

test('no fields make empty maps', t => {
  t.deepEqual(headersOf([]), {single: {}, multi: {}});
});

test('any values survive, in order', t => {
  const name = fc.stringMatching(/^[a-z][a-z0-9_-]{0,8}$/).filter(text => !hopByHop.test(text));
  fc.assert(
    fc.property(fc.array(fc.tuple(name, fc.string({unit: 'grapheme'})), {maxLength: 8}), fields => {
      const {multi} = headersOf(fields.flatMap(([field, value]) => [field, received(value)]));
      return fields.every(([field]) => {
        const expected = fields.filter(other => canonicalName(other[0]) === canonicalName(field)).map(([, value]) => value);
        return JSON.stringify(multi[canonicalName(field)]) === JSON.stringify(expected.map(value => value.toWellFormed()));
      });
    }),
  );
  t.pass();
});

const hopByHop = /^(connection|keep-alive|te|trailer|upgrade|transfer-encoding|proxy-.*)$/;
