import test from 'ava';
import fc from 'fast-check';
import {whereNotJson} from '../../src/settings/json-position.ts';

for (const [text, position] of [
  ['', 0],
  ['  ', 2],
  ['[1, 2', 5],
  ['[1,]', 3],
  ['{"a": p4ss}', 6],
  ['{"a" "b"}', 5],
  ['{a: 1}', 1],
  ['{"a": 1,}', 8],
  ['[1] 2', 4],
  ['[1}', 2],
  ['["a\nb"]', 1],
  ['["\\x"]', 1],
  ['[01]', 2],
  ['[True]', 1],
  ["['a']", 1],
  ['["abc', 1],
] as const) {
  test(`${JSON.stringify(text)} is not JSON at ${position}`, t => t.is(whereNotJson(text), position));
}

test('what is JSON is followed to its end', t => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom('', ' ', '\n'), (json, space) => {
      t.is(whereNotJson(`${space}${json}${space}`), `${space}${json}${space}`.length);
    }),
  );
});

test('a character that may stand nowhere is found, or the token that it is in', t => {
  fc.assert(
    fc.property(fc.json(), fc.nat(), (json, seed) => {
      const at = seed % json.length;
      const broken = `${json.slice(0, at)}\u0001${json.slice(at)}`;
      const found = whereNotJson(broken);
      t.true(found <= at);
      t.is(whereNotJson(broken.slice(0, found)), found); // what stands before it is the begin of JSON
    }),
  );
});
