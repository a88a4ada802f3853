import test from 'ava';
import {readAsyncPreference} from '../../src/work/prefer.ts';

for (const given of [
  'respond-async=false',
  'respond-async="yes"',
  'respond-async, wait',
  'respond-async, wait=',
  'respond-async, wait=-1',
  'respond-async, wait=1.5',
  'respond-async, wait=10s',
  `respond-async, wait=${'9'.repeat(16)}`,
  `respond-async${','.repeat(4096)}`,
]) {
  test(`${given.slice(0, 60)} is refused`, t => {
    t.throws(() => readAsyncPreference(given), {code: 'REQUEST_MALFORMED', message: /^Prefer/});
  });
}

for (const given of [
  '',
  'wait=10',
  'return=minimal',
  'x-respond-async',
  'respond-async-not',
  'note="respond-async"',
  'note="a, respond-async"',
  'note="a\\", respond-async"',
  'a;respond-async',
  'a; respond-async=1',
  'respond-async wait=10',
  'note="a, respond-async',
]) {
  test(`\`${given}\` does not ask for an answer before the reply`, t => t.is(readAsyncPreference(given), undefined));
}

for (const [given, waitMs] of [
  ['respond-async', 0],
  ['Respond-Async', 0],
  ['respond-async=""', 0],
  [' ,\trespond-async ; a=b;c , ', 0],
  ['respond-async, wait=0', 0],
  ['respond-async, wait=10', 10_000],
  ['WAIT = "10", return=minimal, RESPOND-ASYNC', 10_000],
  ['wait=10;a="b,c";d, respond-async;wait=20', 10_000],
  ['respond-async, wait=10, wait=20, respond-async=x', 10_000],
  ['wait="1\\0", respond-async', 10_000],
  ['respond-async, wait=601', 600_000],
  ['respond-async, wait=999999999999', 600_000],
  ['note="a, wait=99", respond-async', 0],
] as const) {
  test(`\`${given}\` waits ${waitMs} ms`, t => {
    const found = readAsyncPreference(given);
    t.is(found?.waitMs, waitMs);
    t.regex(found?.applied ?? '', waitMs === 0 ? /^respond-async(, wait=0)?$/ : new RegExp(`^respond-async, wait=${waitMs / 1000}$`));
  });
}

test('a field that never closes its quotes is read in a moment', t => {
  const started = process.hrtime.bigint();
  t.is(readAsyncPreference(`respond-async-${'"\\'.repeat(2000)}`), undefined);
  t.true(process.hrtime.bigint() - started < 1_000_000_000n);
});
