import test from 'ava';
import {bytesOf, hexOf, jsonOf, kindOf} from '../../src/console/views/bytes.js';

const utf8 = (text: string) => new TextEncoder().encode(text);

test('what is not JSON has no form as JSON', t => {
  for (const text of ['', '{', 'hello', '{"a": }', '\u0000']) t.is(jsonOf(utf8(text)), undefined, text);
});

test('JSON gets a line for each member, and keeps numbers, repeated names, and what is in strings', t => {
  const written = '{"big":12345678901234567890,"a":1.0,"a":[ ],"s":"x, {\\"y\\": [1]}","o":{ },"l":[1,{"b":null}]}';
  t.is(
    jsonOf(utf8(written)),
    [
      '{',
      '  "big": 12345678901234567890,',
      '  "a": 1.0,',
      '  "a": [],',
      '  "s": "x, {\\"y\\": [1]}",',
      '  "o": {},',
      '  "l": [',
      '    1,',
      '    {',
      '      "b": null',
      '    }',
      '  ]',
      '}',
    ].join('\n'),
  );
  t.is(jsonOf(utf8(' "a" ')), '"a"');
});

test('a body is shown as what it is, whatever its type claims', t => {
  t.is(kindOf(utf8('{"a": 1}'), []), 'json');
  t.is(kindOf(utf8('3'), [['Content-Type', 'application/problem+json']]), 'json');
  t.is(kindOf(utf8('{"a": '), [['content-type', 'application/json']]), 'text');
  t.is(kindOf(utf8('Grüße'), []), 'text');
  t.is(kindOf(Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0, 0, 0, 13, 1, 2, 3, 4), [['content-type', 'text/plain']]), 'hex');
});

test('a text that is cut in the middle of a character is still a text', t => {
  t.is(kindOf(utf8('ü'.repeat(600)).subarray(0, 1023), []), 'text');
});

test('bytes are shown sixteen to a line, with what of them is ASCII', t => {
  t.is(hexOf(utf8('Hello, world <b>!')).split('\n')[0], '00000000  48 65 6c 6c 6f 2c 20 77  6f 72 6c 64 20 3c 62 3e  |Hello, world <b>|');
  t.is(hexOf(utf8('Hello, world <b>!')).split('\n')[1], `00000010  21${' '.repeat(48)}|!|`);
  t.regex(hexOf(new Uint8Array(20_000)), /\n… 3616 bytes more$/);
});

test('Base64 becomes the bytes that it stands for', t => {
  t.deepEqual([...bytesOf('AP/+')], [0, 255, 254]);
});
