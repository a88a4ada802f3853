import test from 'ava';
import * as v from 'valibot';
import {ConfigurationError} from '../src/errors.ts';
import {
  duration,
  exactly,
  flag,
  integer,
  oneOf,
  parseSettings,
  port,
  type Setting,
  secret,
  setting,
  size,
  text,
  url,
} from '../src/settings/setting.ts';

const accepts = <T>(schema: v.GenericSchema<string, T>, given: string) => v.safeParse(schema, given).success;
const read = <T>(schema: v.GenericSchema<string, T>, given: string) => v.parse(schema, given);

const refused: [title: string, schema: v.GenericSchema<string, unknown>, values: string[]][] = [
  ['a duration', duration(), ['', '5', '-1s', '1d', '1 s', 's', '1S', '1m30s', '.5s', '1.s', '1e3ms', '1.2345s', 'NaN', '1s\n', '00']],
  [
    'a size',
    size(),
    ['', '0', '-1', '1.5MiB', '6MB', '6mib', '6 MiB', 'MiB', '0x10', '1e6', '2GiB', '1073741825', '99999999999999', '5\n'],
  ],
  [
    'an integer',
    integer(1, 10),
    ['', '0', '11', '1.0', '1e0', '+1', ' 1', '1 ', '0x1', '١', '-1', 'NaN', 'Infinity', '1\n', '9'.repeat(400)],
  ],
  ['a port', port(), ['', '-1', '65536', '80a', 'http', '8080.0', '99999999999999999999']],
  ['a flag', flag(), ['', 'True', 'TRUE', '1', 'yes', 'on', ' true', 'false ', '0']],
  ['one of several words', oneOf('off', 'facts'), ['', 'Off', 'full', 'off,facts', 'constructor']],
  [
    'a URL',
    url('https', 'http'),
    ['', 'keys', '/keys', 'ftp://a.example', 'file:///etc/passwd', 'https://', 'javascript:alert(1)', 'data:,x'],
  ],
];

for (const [title, schema, values] of refused) {
  test(`a text that is not a value of ${title} is refused`, t => {
    for (const value of values) t.false(accepts(schema, value), JSON.stringify(value));
  });
}

test('durations are milliseconds', t => {
  const table: [string, number][] = [
    ['0', 0],
    ['0s', 0],
    ['500ms', 500],
    ['2s', 2000],
    ['0.5s', 500],
    ['1.25s', 1250],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['007s', 7000],
  ];
  for (const [given, ms] of table) t.is(read(duration(), given), ms, given);
});

test('sizes are bytes', t => {
  const table: [string, number][] = [
    ['1', 1],
    ['6291456', 6_291_456],
    ['64KiB', 65_536],
    ['6MiB', 6_291_456],
    ['1GiB', 2 ** 30],
  ];
  for (const [given, bytes] of table) t.is(read(size(), given), bytes, given);
});

test('what is no body may be larger than 1 GiB', t => {
  const ofDisk = size(2 ** 20, 1024);
  for (const value of ['1025GiB', '1048575']) t.false(accepts(ofDisk, value), value);
  t.is(read(ofDisk, '1024GiB'), 2 ** 40);
  t.is(read(ofDisk, '4GiB'), 2 ** 32);
});

test('exactly means exactly: anything else is false, and nothing is an error', t => {
  t.true(read(exactly('true'), 'true'));
  for (const value of ['True', 'TRUE', ' true', 'true ', 'true\n', '1', 'yes', 't', 'truetrue', 'false', 'tru', '"true"', 'ｔrue']) {
    t.false(read(exactly('true'), value), JSON.stringify(value));
  }
});

test('the other kinds read what they should', t => {
  t.is(read(integer(-5, 5), '-5'), -5);
  t.is(read(integer(1, 10), '010'), 10);
  t.is(read(port(), '0'), 0);
  t.is(read(port(), '65535'), 65_535);
  t.true(read(flag(), 'true'));
  t.false(read(flag(), 'false'));
  t.is(read(oneOf('off', 'facts'), 'facts'), 'facts');
  t.is(read(url('https'), 'https://a.example/keys'), 'https://a.example/keys');
});

const table = {
  wait: setting('CORE_WAIT', duration(), '2s', 'A wait.'),
  name: setting('CORE_NAME', text(), undefined, 'A name.'),
  path: setting('CORE_PATH', text(), '/metrics', 'A path.', {emptyIsValue: true}),
  key: secret('CORE_KEY', integer(1, 9), undefined, 'A secret.'),
};

test('a bad value is reported with its name, the value and the rule', t => {
  t.throws(() => parseSettings(table, {CORE_WAIT: '2 weeks'}), {
    instanceOf: ConfigurationError,
    message: 'CORE_WAIT: expected a duration such as 500ms, 2s, 5m or 1h, got `2 weeks`',
  });
});

test('a bad secret is reported without its value', t => {
  const error = t.throws(() => parseSettings(table, {CORE_KEY: 'hunter2'}), {instanceOf: ConfigurationError});
  t.is(error?.message, 'CORE_KEY: expected an integer from 1 to 9, got a secret');
});

test('all bad values are reported at once', t => {
  const error = t.throws<ConfigurationError>(() => parseSettings(table, {CORE_WAIT: 'x', CORE_KEY: 'hunter2'}), {
    instanceOf: ConfigurationError,
  });
  t.is(error?.problems.length, 2);
});

test('a setting that is not set has its default, or is absent', t => {
  t.deepEqual(parseSettings(table, {}), {wait: 2000, path: '/metrics'});
});

test('an empty text means that a setting is not set, except where it is a value', t => {
  t.deepEqual(parseSettings(table, {CORE_WAIT: '', CORE_NAME: '', CORE_PATH: '', CORE_KEY: ''}), {wait: 2000, path: ''});
});

test('a setting that is set is read', t => {
  t.deepEqual(parseSettings(table, {CORE_WAIT: '1m', CORE_NAME: 'a', CORE_PATH: '/m', CORE_KEY: '7', OTHER: 'x'}), {
    wait: 60_000,
    name: 'a',
    path: '/m',
    key: 7,
  });
});

test('a secret is marked as one, a setting is not', t => {
  const marks = Object.values<Setting<unknown>>(table).map(entry => entry.secret);
  t.deepEqual(marks, [false, false, false, true]);
});
