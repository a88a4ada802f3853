import test from 'ava';
import {readServerless} from '../../../src/dev/serverless/read.ts';
import {ConfigurationError} from '../../../src/errors.ts';

const read = (text: string, env: Record<string, string> = {}) => readServerless({name: 'serverless.yml', text}, env);

/** As a manifest writes it. */
const variable = (name: string) => `$\{${name}}`;

test('a manifest whose mistakes all say the same says it once; of many, the first ten', t => {
  const linesOf = (text: string) => {
    const error = t.throws(() => readServerless({name: 'serverless.yml', text}, {}), {instanceOf: ConfigurationError});
    return error?.problems ?? [];
  };
  const deep = linesOf('['.repeat(3000));
  t.is(deep.length, new Set(deep).size);
  t.true(deep.length <= 2 && deep.every(line => line.startsWith('serverless.yml:1: ')), deep.join('\n'));
  const many = linesOf('a: [\n'.repeat(100));
  t.is(many.length, 11);
  t.regex(many.at(-1) ?? '', /^and \d+ more mistakes of this kind$/);
});

/** A manifest of one function, with lines of its own. */
const ofOne = (...lines: string[]) =>
  [
    'provider:',
    '  name: scaleway',
    '  runtime: node22',
    'functions:',
    '  hello:',
    '    handler: handler.handle',
    ...lines.map(line => `    ${line}`),
  ].join('\n');

for (const [title, text, expected] of [
  ['text that is no YAML', 'provider: [', /^serverless\.yml:\d+: /],
  ['an empty file', '', /serverless\.yml: expected a map, got nothing/],
  ['a list', '- a', /serverless\.yml: expected a map, got a list/],
  ['an alias that leads nowhere', 'provider: *nowhere', /serverless\.yml: .*nowhere/],
  [
    'another provider',
    'provider:\n  name: aws\nfunctions:\n  a:\n    handler: a.b',
    /serverless\.yml:2: provider\.name: expected scaleway.*got `aws`/,
  ],
  ['no provider', 'functions:\n  a:\n    handler: a.b\n    runtime: node22', /provider\.name: expected scaleway.*, got nothing/],
  ['no functions', 'provider:\n  name: scaleway\n  runtime: node22', /functions: expected at least one function, got nothing/],
  [
    'functions from another file',
    'provider:\n  name: scaleway\nfunctions: functions.yml',
    /serverless\.yml:3: functions: expected a map, got a text/,
  ],
  [
    'a function without a handler',
    'provider:\n  name: scaleway\n  runtime: node22\nfunctions:\n  a: {}',
    /serverless\.yml:5: functions\.a\.handler: expected a handler such as dir\/file\.function, got nothing/,
  ],
  [
    'a function that is a list',
    'provider:\n  name: scaleway\n  runtime: node22\nfunctions:\n  a: []',
    /functions\.a: expected a map, got a list/,
  ],
  [
    'no runtime',
    'provider:\n  name: scaleway\nfunctions:\n  a:\n    handler: a.b',
    /serverless\.yml:1: provider\.runtime: expected a runtime such as node22, python311.*, got nothing/,
  ],
  [
    'a runtime that does not exist',
    ofOne('runtime: java17'),
    /serverless\.yml:7: functions\.hello\.runtime: expected a runtime .* got `java17`/,
  ],
  ['a privacy that does not exist', ofOne('privacy: secret'), /functions\.hello\.privacy: expected public or private, got `secret`/],
  [
    'a time limit that is none',
    ofOne('timeout: soon'),
    /functions\.hello\.timeout: expected seconds such as 30, or a duration such as 30s or 5m, got `soon`/,
  ],
  ['a time limit of nothing', ofOne('timeout: 0'), /functions\.hello\.timeout: .* got `0`/],
  ['memory that is no number', ofOne('memoryLimit: much'), /functions\.hello\.memoryLimit: expected megabytes .* got `much`/],
  ['a variable that is a map', ofOne('env:', '  A:', '    b: c'), /functions\.hello\.env\.A: expected a text, got a map/],
  ['variables that are a text', ofOne('env: A=1'), /functions\.hello\.env: expected a map, got a text/],
  ['events that are a map', ofOne('events:', '  schedule:', '    rate: 1 * * * *'), /functions\.hello\.events: expected a list, got a map/],
  [
    'a schedule that is none',
    ofOne('events:', '  - schedule:', '      rate: often'),
    /serverless\.yml:9: functions\.hello\.events\[0\]\.schedule\.rate: expected cron .* got `often`/,
  ],
  [
    'a schedule without a rate',
    ofOne('events:', '  - schedule: {}'),
    /functions\.hello\.events\[0\]\.schedule\.rate: expected five fields such as 0 \* \* \* \*, got nothing/,
  ],
  [
    'a zone that does not exist',
    ofOne('events:', '  - schedule:', '      rate: 0 * * * *', '      timezone: Paris'),
    /schedule\.timezone: expected timezone .*Europe\/Paris, got `Paris`/,
  ],
  [
    'a name that is no name of a host',
    'provider:\n  name: scaleway\n  runtime: node22\nfunctions:\n  a/b:\n    handler: a.b',
    /serverless\.yml:5: functions\.a\/b: expected a name of at most 63/,
  ],
  [
    'two names that differ in case only',
    'provider:\n  name: scaleway\n  runtime: node22\nfunctions:\n  a:\n    handler: a.b\n  A:\n    handler: a.b',
    /serverless\.yml:7: functions\.A: expected a name that differs from `a` in more than case/,
  ],
] as const) {
  test(`${title} is refused with its place`, t => {
    const error = t.throws(() => read(text), {instanceOf: ConfigurationError});
    t.regex(error.message, expected);
  });
}

test('every mistake of a file is named at once', t => {
  const error = t.throws(() => read(ofOne('timeout: soon', 'privacy: secret', 'memoryLimit: much')), {instanceOf: ConfigurationError});
  t.is(error.problems.length, 3);
});

test('a secret in the wrong place is not quoted in the message', t => {
  const error = t.throws(() => read(ofOne('secret: hunter2hunter2')), {instanceOf: ConfigurationError});
  t.notRegex(error.message, /hunter2/);
});

test('a function has its name, handler, runtime and limits', t => {
  const {functions, notes} = read(ofOne('timeout: 20', 'memoryLimit: 256', 'privacy: private', 'description: greets'));
  t.deepEqual(notes, []);
  t.deepEqual(functions, [
    {
      name: 'hello',
      runtime: {language: 'node', version: '22'},
      handler: 'handler.handle',
      isPrivate: true,
      variables: {CORE_TIMEOUT: '20s', SCW_APPLICATION_MEMORY: '256'},
    },
  ]);
});

for (const [written, duration] of [
  ['"300s"', '300s'],
  ['5m', '5m'],
  ['"30"', '30s'],
  ['0.5', '0.5s'],
] as const) {
  test(`a time limit of ${written} is ${duration}`, t => {
    t.is(read(ofOne(`timeout: ${written}`)).functions[0]?.variables.CORE_TIMEOUT, duration);
  });
}

for (const [written, language, version] of [
  ['node', 'node', ''],
  ['python311', 'python', '311'],
  ['golang', 'go', ''],
  ['go122', 'go', '122'],
  ['php82', 'php', '82'],
  ['rust165', 'rust', '165'],
] as const) {
  test(`a function can have the runtime ${written}`, t => {
    t.deepEqual(read(ofOne(`runtime: ${written}`)).functions[0]?.runtime, {language, version});
  });
}

test('variables of the provider go to every function, and those of a function come first', t => {
  const text = `
provider:
  name: scaleway
  runtime: python311
  env: {A: provider, B: provider, VERSION: 1.10, ON: true}
  secret: {B: secret of the provider}
functions:
  first: {handler: a.b, env: {A: first}}
  second: {handler: a.b, secret: {B: second}}
`;
  t.deepEqual(
    read(text).functions.map(({variables}) => variables),
    [
      {A: 'first', B: 'secret of the provider', VERSION: '1.10', ON: 'true'},
      {A: 'provider', B: 'second', VERSION: '1.10', ON: 'true'},
    ],
  );
});

test('a secret is read from the environment, and left out with a line when it is not set', t => {
  const {functions, notes} = read(
    ofOne(
      'secret:',
      `  A: ${variable('THERE')}`,
      `  B: ${variable('MISSING')}`,
      `  C: ${variable('env:THERE')}`,
      `  D: ${variable('env:MISSING')}`,
    ),
    {
      THERE: 'found',
    },
  );
  t.deepEqual(functions[0]?.variables, {A: 'found', C: 'found'});
  t.is(notes.length, 2);
  t.regex(notes[0] ?? '', /^serverless\.yml:11: functions\.hello\.secret\.D: .*MISSING is not set/);
  t.regex(
    notes[1] ?? '',
    /^serverless\.yml:9: functions\.hello\.secret\.B: MISSING is not set in the environment nor in \.env; the function starts without this secret/,
  );
});

test('outside of secrets a name in braces is a text, and a line says so', t => {
  const {functions, notes} = read(ofOne('env:', `  A: ${variable('THERE')}`), {THERE: 'found'});
  t.deepEqual(functions[0]?.variables, {A: variable('THERE')});
  t.regex(notes[0] ?? '', /functions\.hello\.env\.A: .*\$\{env:THERE\}/);
});

test('keys of the platform’s API are variables like any other', t => {
  const {functions, notes} = read(ofOne('secret:', '  SCW_ACCESS_KEY: a', '  SCW_SECRET_KEY: b'));
  t.deepEqual(functions[0]?.variables, {SCW_ACCESS_KEY: 'a', SCW_SECRET_KEY: 'b'});
  t.deepEqual(notes, []);
});

test('a file of containers says why it has nothing to serve', t => {
  const error = t.throws(() => read('provider: {name: scaleway}\ncustom: {containers: {a: {directory: b}}}'));
  t.regex(error.message, /functions: expected at least one function, as containers are not served, got nothing/);
});

test('a variable that the runtime sets is left out, and a line says so', t => {
  const {functions, notes} = read(ofOne('env:', '  PORT: 3000', '  SCW_PUBLIC: true'));
  t.deepEqual(functions[0]?.variables, {});
  t.regex(notes.join('\n'), /env\.PORT: it has no effect: the runtime sets it/);
  t.is(notes.length, 2);
});

test('a key that is not known is named with the nearest one, and the rest is read', t => {
  const {functions, notes} = read(ofOne('memorylimit: 256', 'colour: red'));
  t.is(functions.length, 1);
  t.deepEqual(notes, [
    'serverless.yml:7: functions.hello.memorylimit: it is not known and has no effect; did you mean memoryLimit?',
    'serverless.yml:8: functions.hello.colour: it is not known and has no effect',
  ]);
});

test('what means nothing on this machine is one line', t => {
  const {notes} = read(ofOne('custom_domains:', '  - a.example', 'minScale: 1', 'maxScale: 5', 'httpOption: redirected'));
  t.deepEqual(notes, ['serverless.yml:5: functions.hello: custom_domains, minScale, maxScale, httpOption have no effect on this machine']);
});

test('keys that say how to deploy are taken without a word', t => {
  const head =
    'service: a\nconfigValidationMode: off\nuseDotenv: true\nsingleSource: false\nplugins: [serverless-scaleway-functions]\npackage: {patterns: ["!x"]}\n';
  t.deepEqual(read(head + ofOne()).notes, []);
});

test('a schedule becomes one of ours, with its input', t => {
  const {functions} = read(
    ofOne(
      'events:',
      '  - schedule:',
      '      rate: "1 * * * *"',
      '      input:',
      '        key: value',
      '        n: 1',
      '  - schedule: {rate: "0 0 * * *", timezone: Europe/Paris}',
    ),
  );
  t.deepEqual(JSON.parse(functions[0]?.variables.CORE_SCHEDULES ?? ''), [
    {name: 'schedule', cron: '1 * * * *', input: {key: 'value', n: 1}},
    {name: 'schedule-2', cron: '0 0 * * *', timezone: 'Europe/Paris'},
  ]);
});

test('a queue as an event has no effect, and a line says so', t => {
  const {functions, notes} = read(ofOne('events:', '  - sqs: {name: a, queue: b}'));
  t.deepEqual(functions[0]?.variables, {});
  t.deepEqual(notes, ['serverless.yml:8: functions.hello.events[0]: sqs has no effect on this machine']);
});

test('merge keys and anchors are followed', t => {
  const text = `
x: &common {runtime: php82, env: {A: "1"}}
provider: {name: scaleway, runtime: node22}
functions:
  a: {<<: *common, handler: a.b}
`;
  const {functions} = read(text);
  t.is(functions[0]?.runtime.language, 'php');
  t.deepEqual(functions[0]?.variables, {A: '1'});
});

test('of several functions, one can be read without the notes about the others, but not without their mistakes', t => {
  const text = (timeout: string) =>
    `provider: {name: scaleway, runtime: node22, region: x, zone: y}
functions:
  a: {handler: a.b, minScale: 1}
  b: {handler: a.b, maxScale: 1, timeout: ${timeout}}`;
  const file = (timeout: string) => ({name: 'serverless.yml', text: text(timeout)});
  t.throws(() => readServerless(file('soon'), {}, 'a'), {instanceOf: ConfigurationError, message: /functions\.b\.timeout/});
  const {notes, functions} = readServerless(file('3'), {}, 'a');
  t.is(functions.length, 2);
  t.is(notes.length, 2);
  t.regex(notes.join('\n'), /provider\.zone[\s\S]*functions\.a: minScale/);
});
