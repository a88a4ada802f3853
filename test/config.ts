import test from 'ava';
import {ConfigurationError} from '../src/errors.ts';
import {journalForms} from '../src/journals/index.ts';
import {joinSettings, parseConfig, settings} from '../src/settings/config.ts';
import {parseSettings, setting, text} from '../src/settings/setting.ts';
import {triggers} from '../triggers/index.ts';

const all = joinSettings(triggers);
/** It names every engine, so that a new one does not change this test. */
const journalRule = new RegExp(`expected ${journalForms.replaceAll(/[.*+?]/g, '\\$&')}, got`);

const bad: [name: string, value: string, rule: RegExp][] = [
  ['SCW_HANDLER_PATH', 'handler.js', /expected an absolute path/],
  ['SCW_HANDLER_PATH', './handler.js', /expected an absolute path/],
  ['SCW_UPSTREAM_PORT', 'http', /expected an integer from 0 to 65535/],
  ['SCW_UPSTREAM_PORT', '70000', /expected an integer from 0 to 65535/],
  ['PORT', '80 80', /expected an integer from 0 to 65535/],
  ['PORT', '-1', /expected an integer from 0 to 65535/],
  ['SCW_APPLICATION_MEMORY', '128MB', /expected an integer from 1 to/],
  ['SCW_APPLICATION_MEMORY', '0', /expected an integer from 1 to/],
  ['SCW_PAYLOAD_MAX_SIZE', '6MB', /expected a number of bytes/],
  ['SCW_PAYLOAD_MAX_SIZE', 'six', /expected a number of bytes/],
  ['SCW_PAYLOAD_MAX_SIZE', '-1', /expected a number of bytes/],
  ['SCW_PAYLOAD_MAX_SIZE', '0', /expected at least 1 bytes/],
  ['CORE_RESPONSE_MAX_SIZE', '1.5MiB', /expected a number of bytes/],
  ['CORE_TIMEOUT', '30', /expected a duration/],
  ['CORE_START_TIMEOUT', 'soon', /expected a duration/],
  ['CORE_QUEUE_WAIT', '1d', /expected a duration/],
  ['CORE_GRACE', '25', /expected a duration/],
  ['CORE_AUTH_CLOCK_TOLERANCE', '30', /expected a duration/],
  ['CORE_AUTH_REQUIRE_EXP', 'yes', /expected true or false/],
  ['CORE_JWKS_URL', 'a.example/keys', /expected a URL with scheme https or http/],
  ['CORE_JWKS_URL', 'file:///etc/keys', /expected a URL with scheme https or http/],
  ['CORE_BASE64', 'sniffed', /expected one of exact, sniff/],
  ['CORE_CONCURRENCY', '0', /expected an integer from 1 to/],
  ['CORE_QUEUE', '-1', /expected an integer from 0 to/],
  ['CORE_JOURNAL_HTTP', 'all', /expected one of/],
  ['CORE_JOURNAL', '/var/facts.db', journalRule],
  ['CORE_JOURNAL', 'sqlite:', journalRule],
  ['CORE_JOURNAL', 'memory:x', journalRule],
  ['CORE_ADMIN_PORT', 'x', /expected an integer/],
  ['CORE_LOG_LEVEL', 'verbose', /expected one of/],
];

for (const [name, value, rule] of bad) {
  test(`a start with ${name}=${value} is stopped`, t => {
    const error = t.throws(() => parseSettings(all, {[name]: value}), {instanceOf: ConfigurationError, message: rule});
    t.true(error?.message.startsWith(`${name}: `));
    t.true(error?.message.endsWith(`, got \`${value}\``));
  });
}

test('an upstream host that is not loopback stops the start', t => {
  const hosts = ['0.0.0.0', '10.0.0.1', '192.168.0.1', 'example.com', '127.0.0.1.example.com', '127.0.0.256', '127.1', '::', '[::]', '::2'];
  for (const host of [
    ...hosts,
    'localhost.example',
    'https://127.0.0.1',
    '127.0.0.1:8081',
    'http://10.0.0.1',
    '127.0.0.1/x',
    '[127.0.0.1]]',
  ]) {
    t.throws(() => parseConfig({SCW_UPSTREAM_HOST: host}), {message: /^SCW_UPSTREAM_HOST: expected a loopback address/}, host);
  }
});

test('a loopback host is taken with or without http://, as a literal address', t => {
  const table: [string, string][] = [
    ['127.0.0.1', '127.0.0.1'],
    ['http://127.0.0.1', '127.0.0.1'],
    ['http://127.0.0.1/', '127.0.0.1'],
    ['localhost', '127.0.0.1'],
    ['http://localhost', '127.0.0.1'],
    ['127.0.0.53', '127.0.0.53'],
    ['::1', '::1'],
    ['[::1]', '::1'],
    ['http://[::1]', '::1'],
  ];
  for (const [given, host] of table) t.is(parseConfig({SCW_UPSTREAM_HOST: given}).upstreamHost, host, given);
});

test('only the word true opens the function to everybody', t => {
  t.true(parseConfig({SCW_PUBLIC: 'true'}).isPublic);
  for (const value of ['', 'True', 'TRUE', '1', 'yes', ' true', 'true ', 'public', 'false'])
    t.false(parseConfig({SCW_PUBLIC: value}).isPublic, value);
  t.false(parseConfig({}).isPublic);
});

test('only the word true makes the handler a binary', t => {
  t.true(parseConfig({SCW_HANDLER_IS_BINARY: 'true'}).handlerIsBinary);
  for (const value of ['', 'True', '1', 'yes']) t.false(parseConfig({SCW_HANDLER_IS_BINARY: value}).handlerIsBinary, value);
});

test('a public key is not read here, and never shown', t => {
  t.is(parseConfig({SCW_PUBLIC_KEY: 'garbage'}).publicKey, 'garbage');
  t.true(settings.publicKey.secret);
});

test('the defaults are the contract’s', t => {
  t.like(parseSettings({...settings, ...triggers.http.settings}, {}), {
    port: 8080,
    payloadMaxBytes: 6_291_456,
    upstreamHost: '127.0.0.1',
    upstreamPort: 8081,
    handlerName: 'handle',
    handlerIsBinary: false,
    isPublic: false,
    applicationId: '',
    namespaceId: '',
    applicationName: '',
    applicationVersion: '',
    applicationMemory: 128,
    clockToleranceMs: 0,
    requireExpiry: false,
    base64: 'exact',
    responseMaxBytes: 6 * 2 ** 20,
    journalHttp: 'facts',
    journalRedact: '',
    factsKeptMs: 604_800_000,
    payloadsKeptMs: 86_400_000,
    journalBytes: 2 ** 30,
  });
});

test('every setting says what it is for, and its default obeys its own rule', t => {
  for (const entry of Object.values(all)) {
    t.regex(entry.name, /^(PORT|SCW_[A-Z_]+|CORE_[A-Z0-9_]+)$/);
    t.regex(entry.doc, /^.{10,140}\.$/s, entry.name);
  }
  t.notThrows(() => parseSettings(all, {}));
});

test('two settings with one key or one variable are refused, with both that bring it', t => {
  const brings = (key: string, name: string) => ({settings: {[key]: setting(name, text(), '', 'A test.')}});
  for (const [triggers, message] of [
    [
      {inbox: brings('folder', 'CORE_A'), outbox: brings('folder', 'CORE_B')},
      'Expected one setting with the key `folder`, got one of the trigger inbox and one of the trigger outbox',
    ],
    [{inbox: brings('workers', 'CORE_A')}, 'Expected one setting with the key `workers`, got one of the core and one of the trigger inbox'],
    [
      {inbox: brings('folder', 'CORE_WORKERS')},
      'Expected one setting with the variable CORE_WORKERS, got one of the core and one of the trigger inbox',
    ],
  ] as const) {
    t.throws(() => joinSettings(triggers), {instanceOf: TypeError, message});
  }
});

test('no two settings share a name', t => {
  const names = Object.values(all).map(entry => entry.name);
  t.deepEqual(names, [...new Set(names)]);
});

const compared = [
  'SCW_HANDLER_NAME',
  'CORE_RUNTIME',
  'SCW_APPLICATION_ID',
  'SCW_NAMESPACE_ID',
  'CORE_AUTH_ISSUER',
  'CORE_AUTH_AUDIENCE',
  'CORE_CHILD_USER',
  'CORE_ADMIN_HOST',
  'CORE_ADMIN_TOKEN',
  'CORE_METRICS_PATH',
];
for (const name of compared) {
  test(`a text of ${name} that can never be the same as another stops the start`, t => {
    const good = name === 'CORE_METRICS_PATH' ? '/a' : 'a';
    for (const given of [
      `${good}\n`,
      `${good}\r\n`,
      `${good} `,
      `${good}\t`,
      `${good}\u00a0`,
      `${good}\ufeff`,
      `${good}\0`,
      ` ${good}`,
      `${good}\nb`,
    ]) {
      const error = t.throws(() => parseSettings(all, {[name]: given}), {instanceOf: ConfigurationError}, JSON.stringify(given));
      t.true(error?.message.startsWith(`${name}: expected `));
      t.notRegex(error?.message ?? '', /[\n\r\0]/);
      if (name === 'CORE_ADMIN_TOKEN') t.true(error?.message.endsWith(', got a secret'));
    }
    t.notThrows(() => parseSettings(all, {[name]: good}));
  });
}

test('an admin token is what a header field can carry', t => {
  for (const given of ['é', 'a\u200bb', '日本', 'a\u0085b'])
    t.throws(() => parseSettings(all, {CORE_ADMIN_TOKEN: given}), undefined, given);
  for (const given of ['a b', '~!@#$%^&*()', 'a'.repeat(4000)]) t.is(parseSettings(all, {CORE_ADMIN_TOKEN: given}).adminToken, given);
});

test('a bad value is shown on one line', t => {
  const error = t.throws(() => parseSettings(all, {SCW_APPLICATION_ID: 'my-id\u2028\u001b[31m\n'}));
  t.is(
    error?.message,
    'SCW_APPLICATION_ID: expected no control characters, and no white space at its ends, got `my-id\\u2028\\u001b[31m\\n`',
  );
});
