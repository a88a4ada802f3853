import test from 'ava';
import {bytes, count, distance, duration, long, momentIn, plural} from '../../src/console/format.js';

test('what is not known is a dash', t => {
  for (const show of [count, duration, bytes]) for (const value of [undefined, Number.NaN]) t.is(show(value), '–');
});

test('times are shown in the unit that reads best', t => {
  t.deepEqual([0, 0.05, 5.67, 42.4, 999, 1500, 59_940, 61_000].map(duration), [
    '0 ms',
    '50 µs',
    '5.7 ms',
    '42 ms',
    '999 ms',
    '1.50 s',
    '59.9 s',
    '1 min 1 s',
  ]);
  t.deepEqual([0, 3_600_000, 90_000_000].map(long), ['0 s', '1 h 0 min', '1 d 1 h']);
  t.is(distance(10_000, 5000), 'in 5 s');
  t.is(distance(5000, 10_000), '5 s ago');
});

test('sizes are shown in powers of 1024', t => {
  t.deepEqual([0, 1023, 1024, 1_500_000, 5 * 2 ** 30].map(bytes), ['0 B', '1023 B', '1.0 KiB', '1.4 MiB', '5.0 GiB']);
});

test('numbers are grouped by thin spaces, and lose digits that nobody reads', t => {
  t.deepEqual([0, 0.456, 12.34, 123.4, 1_234_567].map(count), ['0', '0.46', '12.3', '123', '1\u202f234\u202f567']);
  t.is(plural(1, 'row'), '1 row');
  t.is(plural(2, 'row'), '2 rows');
});

test('a time in a zone is that of its clocks, and names it', t => {
  t.is(momentIn('2026-11-30T08:00:00Z', 'Europe/Paris'), '2026-11-30 09:00:00 Europe/Paris');
  t.is(momentIn('2026-07-01T07:00:00Z', 'Europe/Paris'), '2026-07-01 09:00:00 Europe/Paris');
});
