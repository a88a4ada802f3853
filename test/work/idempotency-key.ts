import test from 'ava';
import {readIdempotencyKey} from '../../src/work/idempotency-key.ts';

for (const [title, given] of [
  ['an empty text', '""'],
  ['a text that does not end', '"a'],
  ['a text that only ends', 'a"'],
  ['an unknown escape', '"a\\b"'],
  ['a key that was sent twice', '"a", "b"'],
  ['a bare key that was sent twice', 'a, b'],
  ['a key with a space', 'a b'],
  ['letters beyond ASCII', '"Ã©"'],
  ['a tab', '"a\tb"'],
  ['parameters of a bare key', 'a;b=c'],
  ['parameters that are none', '"a";B'],
  ['more than 255 characters', `"${'a'.repeat(256)}"`],
  ['more than 255 bare characters', 'a'.repeat(256)],
  ['a field that is too long', `"${'\\"'.repeat(255)}"${' '.repeat(1024)}`],
] as const) {
  test(`${title}: refused`, t => {
    t.throws(() => readIdempotencyKey(given), {code: 'REQUEST_MALFORMED', message: /^Idempotency-Key must be .*such as `"8e03978e/});
  });
}

for (const [given, key] of [
  ['', undefined],
  ['"8e03978e-40d5-43dd-bc93-6894a57f9324"', '8e03978e-40d5-43dd-bc93-6894a57f9324'],
  ['8e03978e-40d5-43dd-bc93-6894a57f9324', '8e03978e-40d5-43dd-bc93-6894a57f9324'],
  ['"a, b; c"', 'a, b; c'],
  ['"a\\"b\\\\c"', 'a"b\\c'],
  ['a\\b', 'a\\b'],
  ['"a";v=1;w="x;y";z', 'a'],
  ['order:7/a=b+c~', 'order:7/a=b+c~'],
] as const) {
  test(`${given || 'nothing'} is ${key ?? 'no key'}`, t => t.is(readIdempotencyKey(given), key));
}

test('255 characters are a key, also when each is escaped', t => {
  t.is(readIdempotencyKey('a'.repeat(255))?.length, 255);
  t.is(readIdempotencyKey(`"${'\\"'.repeat(255)}"`)?.length, 255);
});
