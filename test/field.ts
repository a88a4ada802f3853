import test from 'ava';
import {fieldOf} from '../src/http/field.ts';

test('a value is not taken for a name, and what is missing is empty', t => {
  t.is(fieldOf(['accept', 'host', 'x', 'y'], 'host'), '');
  t.is(fieldOf([], 'host'), '');
  t.is(fieldOf(['host'], 'host'), '');
});

test('a field is found in any case, and the first counts', t => {
  t.is(fieldOf(['Host', 'a', 'HOST', 'b'], 'hOst'), 'a');
});
