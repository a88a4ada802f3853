import test from 'ava';
import {nearest} from '../src/nearest.ts';

test('the nearest word is the one with the fewest edits; without words there is none', t => {
  t.is(nearest('x', []), undefined);
  t.deepEqual(nearest('invocation', ['facts', 'invocations', 'explain']), {word: 'invocations', edits: 1});
  t.deepEqual(nearest('facts', ['facts']), {word: 'facts', edits: 0});
});
