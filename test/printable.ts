import test from 'ava';
import fc from 'fast-check';
import {printable, printableJson, printableLines} from '../src/printable.ts';

const esc = '\x1b';

test('escape codes that a terminal obeys are shown, not sent', t => {
  t.is(printable(`${esc}[31mred${esc}[0m\r\n\t\0\x7f\x9b`), '\\x1b[31mred\\x1b[0m\\x0d\\x0a\\x09\\x00\\x7f\\x9b');
  t.is(printable('a\u2028b\u2029c\u202ed\u2066e\u061c'), 'a\\u2028b\\u2029c\\u202ed\\u2066e\\u061c');
  t.is(printable('é😀 „x“'), 'é😀 „x“');
  t.is(printableLines(`a\n${esc}b`), 'a\n\\x1bb');
});

test('a value as JSON is one line for every reader, and means the same', t => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.json(),
        fc.string({unit: 'binary'}).map(text => JSON.stringify({[text]: text})),
      ),
      text => {
        const line = printableJson(JSON.parse(text));
        // biome-ignore lint/suspicious/noControlCharactersInRegex: none of these may be left
        return !/[\x00-\x1f\x7f-\x9f\u2028\u2029\u202e]/.test(line) && line === printableJson(JSON.parse(line));
      },
    ),
  );
  t.deepEqual(JSON.parse(printableJson({a: 'x\u2028\x9by'})), {a: 'x\u2028\x9by'});
});
