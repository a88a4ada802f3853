import test from 'ava';
import fc from 'fast-check';
import {calendarOf, upcoming} from '../../../triggers/cron/calendar.ts';
import {Zone} from '../../../triggers/cron/zone.ts';

const iso = (ms: number) => new Date(ms).toISOString().replace('.000Z', 'Z');
/** The first occurrences after a time, as ISO 8601 without its seconds. */
const first = (count: number, cron: string, zone: string, after: string) =>
  upcoming(calendarOf(cron, zone), Date.parse(after), count).map(at => iso(at).replace(/:00Z$/, 'Z'));

for (const cron of [
  '',
  '* * * *',
  '0 0 1 1 * * *',
  '60 * * * *',
  '* 24 * * *',
  '* * 32 * *',
  '* * * 13 *',
  '* * * * 8',
  '* * * * fun',
  '*/0 * * * *',
  '5-1 * * * *',
  'a * * * *',
  '? * * * *',
  '@daily',
  '0 0 1 * +1',
]) {
  test(`\`${cron}\` is refused`, t => {
    t.throws(() => calendarOf(cron, 'UTC'), {message: /CronPattern|not known here/});
  });
}

test('an unknown zone is refused', t => {
  t.throws(() => calendarOf('* * * * *', 'Mars/Olympus'), {instanceOf: RangeError});
});

test('February 30 never comes, and February 29 in leap years', t => {
  t.deepEqual(first(1, '0 0 30 2 *', 'UTC', '2026-01-01T00:00Z'), []);
  t.deepEqual(first(1, '0 0 30 2 *', 'Europe/Paris', '2026-01-01T00:00Z'), []);
  t.deepEqual(first(2, '0 0 29 2 *', 'UTC', '2026-01-01T00:00Z'), ['2028-02-29T00:00Z', '2032-02-29T00:00Z']);
  t.deepEqual(first(2, '0 0 29 2 *', 'UTC', '2096-03-01T00:00Z'), ['2104-02-29T00:00Z', '2108-02-29T00:00Z']);
});

test('an occurrence is after the instant asked for, never at it', t => {
  t.deepEqual(first(2, '0 3 * * *', 'UTC', '2026-01-01T03:00:00.000Z'), ['2026-01-02T03:00Z', '2026-01-03T03:00Z']);
  t.deepEqual(first(1, '0 3 * * *', 'UTC', '2026-01-01T02:59:59.999Z'), ['2026-01-01T03:00Z']);
});

test('names, steps, lists, ranges, and either of both days', t => {
  t.deepEqual(first(2, '*/20 8-9 * * *', 'UTC', '2026-01-01T08:30Z'), ['2026-01-01T08:40Z', '2026-01-01T09:00Z']);
  t.deepEqual(first(2, '0 9 * JAN,jul mon-fri', 'UTC', '2026-01-02T10:00Z'), ['2026-01-05T09:00Z', '2026-01-06T09:00Z']);
  t.deepEqual(first(2, '0 0 * * 7', 'UTC', '2026-01-01T00:00Z'), first(2, '0 0 * * sun', 'UTC', '2026-01-01T00:00Z'));
  t.deepEqual(first(2, '0 0 13 * fri', 'UTC', '2026-01-03T00:00Z'), ['2026-01-09T00:00Z', '2026-01-13T00:00Z']);
});

test('six fields begin with the second', t => {
  const found = upcoming(calendarOf('*/20 59 23 31 12 *', 'UTC'), Date.parse('2026-01-01T00:00Z'), 4).map(iso);
  t.deepEqual(found, ['2026-12-31T23:59:00Z', '2026-12-31T23:59:20Z', '2026-12-31T23:59:40Z', '2027-12-31T23:59:00Z']);
});

const changes: [title: string, cron: string, zone: string, after: string, expected: string[]][] = [
  ['Paris skips 02:30: once, at 03:00', '30 2 * * *', 'Europe/Paris', '2026-03-28T12:00Z', ['2026-03-29T01:00Z', '2026-03-30T00:30Z']],
  ['Paris shows 02:30 twice: the first', '30 2 * * *', 'Europe/Paris', '2026-10-24T12:00Z', ['2026-10-25T00:30Z', '2026-10-26T01:30Z']],
  [
    'several skipped times occur once',
    '*/15 2 * * *',
    'Europe/Paris',
    '2026-03-28T12:00Z',
    ['2026-03-29T01:00Z', '2026-03-30T00:00Z', '2026-03-30T00:15Z'],
  ],
  [
    'a skipped time and one at the end of the gap occur once',
    '0 2,3 * * *',
    'Europe/Paris',
    '2026-03-28T12:00Z',
    ['2026-03-29T01:00Z', '2026-03-30T00:00Z'],
  ],
  [
    'times of an hour that comes twice occur in the first',
    '*/30 2 * * *',
    'Europe/Paris',
    '2026-10-24T12:00Z',
    ['2026-10-25T00:00Z', '2026-10-25T00:30Z', '2026-10-26T01:00Z'],
  ],
  ['New York skips 02:30', '30 2 * * *', 'America/New_York', '2026-03-07T12:00Z', ['2026-03-08T07:00Z', '2026-03-09T06:30Z']],
  ['New York shows 01:30 twice', '30 1 * * *', 'America/New_York', '2026-10-31T12:00Z', ['2026-11-01T05:30Z', '2026-11-02T06:30Z']],
  ['Lord Howe skips half an hour', '15 2 * * *', 'Australia/Lord_Howe', '2026-10-03T00:00Z', ['2026-10-03T15:30Z', '2026-10-04T15:15Z']],
  ['Lord Howe repeats half an hour', '45 1 * * *', 'Australia/Lord_Howe', '2026-04-04T00:00Z', ['2026-04-04T14:45Z', '2026-04-05T15:15Z']],
  [
    'Apia skips a day: noon at its end',
    '0 12 * * *',
    'Pacific/Apia',
    '2011-12-29T12:00Z',
    ['2011-12-29T22:00Z', '2011-12-30T10:00Z', '2011-12-30T22:00Z'],
  ],
  ['Apia skips Friday the 30th', '0 9 30 12 *', 'Pacific/Apia', '2011-12-01T00:00Z', ['2011-12-30T10:00Z', '2012-12-29T19:00Z']],
  [
    'Casablanca has its summer time suspended',
    '30 2 * * *',
    'Africa/Casablanca',
    '2026-02-14T12:00Z',
    ['2026-02-15T01:30Z', '2026-02-16T02:30Z'],
  ],
  [
    'every hour goes on while clocks skip one',
    '0 * * * *',
    'Europe/Paris',
    '2026-03-29T00:00Z',
    ['2026-03-29T01:00Z', '2026-03-29T02:00Z'],
  ],
  ['half past every hour too', '30 * * * *', 'Europe/Paris', '2026-03-29T00:00Z', ['2026-03-29T00:30Z', '2026-03-29T01:30Z']],
  [
    'every hour goes on while clocks show one twice',
    '0 * * * *',
    'Europe/Paris',
    '2026-10-24T23:30Z',
    ['2026-10-25T00:00Z', '2026-10-25T01:00Z', '2026-10-25T02:00Z'],
  ],
];
for (const [title, cron, zone, after, expected] of changes) {
  test(title, t => t.deepEqual(first(expected.length, cron, zone, after), expected));
}

test('asked in the midst of an hour that comes again, the answer is after it', t => {
  t.deepEqual(first(1, '*/30 2 * * *', 'Europe/Paris', '2026-10-25T01:10Z'), ['2026-10-26T01:00Z']);
  t.deepEqual(first(1, '30 2,3 * * *', 'Europe/Paris', '2026-10-25T01:10Z'), ['2026-10-25T02:30Z']);
});

const zones = [
  'UTC',
  'Europe/Paris',
  'America/New_York',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'Asia/Kathmandu',
  'America/St_Johns',
  'Antarctica/Troll',
];
const field = (least: number, most: number) =>
  fc.oneof(
    fc.constant('*'),
    fc.integer({min: least, max: most}).map(String),
    fc.integer({min: 2, max: 6}).map(step => `*/${step}`),
    fc
      .tuple(fc.integer({min: least, max: most}), fc.integer({min: least, max: most}))
      .map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
  );
const minutes = fc.tuple(field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 6)).map(fields => fields.join(' '));
const seconds = fc.tuple(field(0, 59), minutes).map(([second, rest]) => `${second} ${rest}`);
const instants = fc.integer({min: Date.UTC(2011, 0, 1), max: Date.UTC(2037, 0, 1)});

test('occurrences strictly increase, in whole seconds, for every rule, zone and time', t => {
  fc.assert(
    fc.property(fc.oneof(minutes, seconds), fc.constantFrom(...zones), instants, (cron, zone, after) => {
      const found = upcoming(calendarOf(cron, zone), after, 40);
      let previous = after;
      for (const at of found) {
        t.true(at > previous && at % 1000 === 0, `${cron} ${zone} after ${iso(after)}: ${iso(at)} follows ${iso(previous)}`);
        previous = at;
      }
    }),
    {numRuns: 200},
  );
});

test('where one begins to ask makes no difference: no occurrence is found twice or left out', t => {
  fc.assert(
    fc.property(minutes, fc.constantFrom(...zones), instants, fc.nat(), (cron, zone, after, random) => {
      const calendar = calendarOf(cron, zone);
      const found = upcoming(calendar, after, 20);
      const last = found.at(-1);
      if (last === undefined) return;
      const within = after + (random % (last - after));
      t.is(
        calendar.next(within),
        found.find(at => at > within),
        `${cron} ${zone} after ${iso(within)}`,
      );
    }),
    {numRuns: 200},
  );
});

/** Every local minute around a change of the clocks, each read by a rule of its own. */
for (const [zone, midnight] of [
  ['Europe/Paris', '2026-03-28T23:00Z'],
  ['Europe/Paris', '2026-10-24T22:00Z'],
  ['America/New_York', '2026-03-08T05:00Z'],
  ['America/New_York', '2026-11-01T04:00Z'],
  ['Australia/Lord_Howe', '2026-10-03T13:30Z'],
  ['Australia/Lord_Howe', '2026-04-04T13:00Z'],
] as const) {
  test(`every local time of the day occurs once: ${zone}, ${midnight}`, t => {
    const start = Date.parse(midnight);
    const offset = new Zone(zone);
    const end = offset.firstInstantOf(offset.wallOf(start) + 24 * 3_600_000);
    for (let minute = 0; minute < 24 * 60; minute += 10) {
      const calendar = calendarOf(`${minute % 60} ${Math.floor(minute / 60)} * * *`, zone);
      const found = upcoming(calendar, start - 1, 3).filter(at => at < end);
      t.is(found.length, 1, `${minute}: ${found.map(iso)}`);
    }
  });
}
