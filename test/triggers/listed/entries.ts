import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {ConfigurationError} from '../../../src/errors.ts';
import {parseSettings} from '../../../src/settings/setting.ts';
import {readEntries} from '../../../triggers/listed/entries.ts';
import {listed} from '../../../triggers/listed/index.ts';

const problemsOf = (given: unknown) => {
  try {
    readEntries(typeof given === 'string' ? given : JSON.stringify(given));
    return [];
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return error.problems;
  }
};

for (const [title, given, expected] of [
  ['no list', {type: 'a'}, [/expected a JSON list of triggers in CORE_TRIGGERS, got object/]],
  ['broken JSON', '[{', [/expected a JSON list of triggers in CORE_TRIGGERS, got other text/]],
  [
    'broken YAML',
    '- type: a\n  password: "p4ss\n',
    [/expected a YAML list of triggers in CORE_TRIGGERS, got other text: it is not YAML at line \d+, column \d+$/],
  ],
  ['YAML that is no list in the end', '- &a [*a, *b]', [/an alias of it leads nowhere|it is not YAML/]],
  ['a file that is not there', '/no/such.json', [/`\/no\/such.json` cannot be read: ENOENT/]],
  [
    'no type',
    [{name: 'a', password: 'p4ss'}],
    [/trigger 1: expected `type` to be the name of a package, got an object with name, password$/],
  ],
  ['an entry that is a text', ['a'], [/trigger 1: expected `type` to be the name of a package, got "a"/]],
  ['a name that is a number', [{type: 'a', name: 1}], [/trigger 1: expected `name` to be .*, got 1/]],
  ['a name with a line break', [{type: 'a', name: 'a\nb'}], [/got "a\\nb"/]],
  ['one name twice', [{type: 'a'}, {type: 'b', name: 'a'}], [/name of its own, got `a` 2 times/]],
  ['several mistakes', [{}, {type: 'a'}, {type: ''}], [/trigger 1/, /trigger 3/]],
] as const) {
  test(`${title} is refused`, t => {
    const problems = problemsOf(given);
    t.is(problems.length, expected.length, problems.join('\n'));
    for (const [index, pattern] of expected.entries()) t.regex(problems[index] ?? '', pattern);
  });
}

test('a list may be YAML, as a text or in a file', async t => {
  const text = '- type: redis\n  name: orders\n  stream: orders # those of the shop\n- {type: b}\n';
  const entries = [
    {type: 'redis', name: 'orders', options: {stream: 'orders'}},
    {type: 'b', name: 'b', options: {}},
  ];
  t.deepEqual(readEntries(text), entries);
  const folder = await mkdtemp(join(tmpdir(), 'entries-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  await writeFile(join(folder, 'triggers.yaml'), text);
  t.deepEqual(readEntries(join(folder, 'triggers.yaml')), entries);
});

test('an entry has a type, a name and options; numbers are numbers', t => {
  t.deepEqual(readEntries('[{"type": "@a/b", "name": "orders", "port": 1.5}, {"type": "c"}]'), [
    {type: '@a/b', name: 'orders', options: {port: 1.5}},
    {type: 'c', name: 'c', options: {}},
  ]);
});

test('without the setting there are no entries, and the journal need not last', t => {
  const section = parseSettings(listed.settings, {});
  t.deepEqual(section.entries, []);
  t.false(listed.needsJournal(section));
  t.true(listed.needsJournal({entries: [{type: 'a', name: 'a', options: {}}]}));
});
