import test from 'ava';
import {either} from '../src/either.ts';

for (const [alternatives, text] of [
  [[], ''],
  [['a'], 'a'],
  [['a', 'b'], 'a or b'],
  [['a', 'b', 'c'], 'a, b or c'],
] as const) {
  test(`${alternatives.length} alternatives read as \`${text}\``, t => t.is(either(alternatives), text));
}
