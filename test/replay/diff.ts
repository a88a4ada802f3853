import test from 'ava';
import fc from 'fast-check';
import {alignLines, unifiedDiff} from '../../src/replay/diff.ts';

const lines = (text: string) => text.split(' ').filter(Boolean);

test('the same texts have no difference', t => {
  t.deepEqual(unifiedDiff([], []), []);
  t.deepEqual(unifiedDiff(lines('a b c'), lines('a b c')), []);
});

test('changed lines stand between two lines that did not change', t => {
  t.deepEqual(unifiedDiff(lines('a b c d e f g'), lines('a b c X e f g')), ['@@', '  b', '  c', '- d', '+ X', '  e', '  f']);
  t.deepEqual(unifiedDiff(lines('a b'), lines('b')), ['- a', '  b']);
  t.deepEqual(unifiedDiff([], lines('a')), ['+ a']);
});

test('changes far from one another are separate hunks', t => {
  t.deepEqual(unifiedDiff(lines('a b c d e f g h'), lines('A b c d e f g H')), [
    '- a',
    '+ A',
    '  b',
    '  c',
    '@@',
    '  f',
    '  g',
    '- h',
    '+ H',
  ]);
});

test('texts of very many lines are one change', t => {
  const many = Array.from({length: 4000}, (_, index) => `one ${index}`);
  const others = Array.from({length: 4000}, (_, index) => `other ${index}`);
  t.is(unifiedDiff(many, others).length, 8000);
});

test('each text can be read from the aligned lines, and as few lines as possible are changed', t => {
  const some = fc.array(fc.constantFrom('a', 'b', 'c'), {maxLength: 8});
  fc.assert(
    fc.property(some, some, (one, other) => {
      const all = alignLines(one, other);
      const without = (sign: string) => all.filter(line => line.sign !== sign).map(({text}) => text);
      t.deepEqual(without('+'), one);
      t.deepEqual(without('-'), other);
      t.is(all.filter(({sign}) => sign === ' ').length, longestCommon(one, other));
    }),
  );
});

function longestCommon([one, ...ones]: readonly string[], [other, ...others]: readonly string[]): number {
  if (one === undefined || other === undefined) return 0;
  if (one === other) return 1 + longestCommon(ones, others);
  return Math.max(longestCommon(ones, [other, ...others]), longestCommon([one, ...ones], others));
}
