import test from 'ava';
import {readDelay, readExpiry, readMoment} from '../../src/work/times.ts';

const now = Date.UTC(2026, 0, 1);

for (const given of ['10', '-1s', '1d', '1h30m', '10m, 10m', 'soon', '8761h', '1e3s', ' 1s']) {
  test(`a duration \`${given}\` is refused`, t => {
    const expected = {code: 'REQUEST_MALFORMED', message: /^Core-Delay must be a duration of at most 1 year .*10m/};
    t.throws(() => readDelay('Core-Delay', given, now), expected);
    t.throws(() => readExpiry('Core-Delay', given, now), expected);
  });
}

for (const given of [
  '2026-02-30T00:00:00Z',
  '2026-13-01T00:00:00Z',
  '2026-01-01T24:00:00Z',
  '2026-01-01T00:60:00Z',
  '2026-01-01T00:00:61Z',
  '2026-01-01T00:00:00',
  '2026-01-01',
  '2026-01-01T00:00Z',
  '2026-01-01T00:00:00+24:00',
  '2026-01-01T00:00:00+01:60',
  '2026-01-01T00:00:00+0100',
  '2026-01-01T00:00:00.Z',
  '1767225600',
  'Thu, 01 Jan 2026 00:00:00 GMT',
]) {
  test(`a moment \`${given}\` is refused`, t => {
    t.throws(() => readMoment('Core-Not-Before', given, now), {code: 'REQUEST_MALFORMED', message: /^Core-Not-Before must be a moment/});
  });
}

test('a moment more than a year ahead is refused', t => {
  t.throws(() => readMoment('Core-Not-Before', '2027-01-01T00:00:01Z', now), {message: /must be at most 1 year ahead, such as 2026/});
  t.is(readMoment('Core-Not-Before', '2027-01-01T00:00:00Z', now), Date.UTC(2027, 0, 1));
});

test('a duration counts from now', t => {
  t.is(readDelay('Core-Delay', '', now), undefined);
  t.is(readDelay('Core-Delay', '0', now), now);
  t.is(readDelay('Core-Delay', '1.5s', now), now + 1500);
  t.is(readExpiry('Core-Expires', '8760h', now), now + 365 * 24 * 3_600_000);
});

for (const [given, at] of [
  ['2026-01-02T03:04:05Z', Date.UTC(2026, 0, 2, 3, 4, 5)],
  ['2026-01-02t03:04:05.6789z', Date.UTC(2026, 0, 2, 3, 4, 5, 678)],
  ['2026-01-02 03:04:05+02:30', Date.UTC(2026, 0, 2, 0, 34, 5)],
  ['2026-01-02T03:04:05-00:30', Date.UTC(2026, 0, 2, 3, 34, 5)],
  ['2026-06-30T23:59:60Z', Date.UTC(2026, 6, 1)],
  ['2025-12-31T00:00:00Z', now],
] as const) {
  test(`a moment \`${given}\` is read`, t => t.is(readMoment('Core-Not-Before', given, now), at));
}
