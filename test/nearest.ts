import test from 'ava';
import {nearest} from '../src/nearest.ts';

test('the nearest word is the one with the fewest edits; without words there is none', t => {
  t.is(nearest('x', []), undefined);
  t.deepEqual(nearest('invocation', ['facts', 'invocations', 'explain']), {word: 'invocations', edits: 1});
  t.deepEqual(nearest('facts', ['facts']), {word: 'facts', edits: 0});
});

test('letters that are missing, wrong or too many count one each, and so do two in the wrong order', t => {
  for (const [written, edits] of [
    ['explain', 0],
    ['explan', 1],
    ['explian', 1],
    ['exxplain', 1],
    ['xeplian', 2],
    ['axplian', 2],
    ['', 7],
  ] as const) {
    t.is(nearest(written, ['explain'])?.edits, edits, written);
  }
});
