import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {columns, table} from '../../src/command/columns.ts';
import {commandsTable, helpFor} from '../../src/commands/help.ts';
import {loadCommands} from '../../src/commands/index.ts';
import {parseCommandLine} from '../../src/commands/parse.ts';
import {runCli as cli} from '../helpers/core.ts';

const all = await loadCommands();

for (const [args, message] of [
  [['journal'], /^core-runtime: journal: expected one of export, import, verify, backup, got ``/],
  [['journal', '--json', 'burn'], /^core-runtime: journal: expected one of export, import, verify, backup, got `burn`/],
  [['journal', 'verify', '--payloads'], /Unknown option '--payloads'/],
  [['dev', '--prot', '3'], /^core-runtime: Unknown option '--prot': did you mean --port\?\n/],
  [['dev', '--zzz'], /^core-runtime: Unknown option '--zzz': --help lists those that there are\n/],
  [['journal', 'backup'], /expected the file to write, as in `core-runtime journal backup /],
  [['journal', 'verify', 'a', 'b'], /expected at most one file to check/],
  [['explain', 'a', 'b'], /expected at most one invocation id/],
  [['facts', 'a'], /Unexpected argument 'a'/],
  [['invocations', '--limit', '0'], /--limit: expected a number from 1 on, got `0`\n\n {2}core-runtime invocations \[--status <status>\]/],
  [['toString'], /expected a command, got `toString`/],
  [['nowhere', '--help'], /expected a command, got `nowhere`/],
] as const) {
  test(`\`${args.join(' ')}\` is refused with exit code 64 and what was expected`, async t => {
    const {code, stdout, stderr} = await cli(args);
    t.is(code, 64);
    t.is(stdout, '');
    t.regex(stderr, message);
    t.notRegex(stderr, /\n\s+at /);
  });
}

for (const [name, command] of all) {
  test(`${name}: its help has every argument, every option and every example, and its examples are correct`, t => {
    const [first = '', second = ''] = name.split(' ');
    const help = helpFor(first, second, all) ?? '';
    t.true(help.startsWith(`core-runtime ${name}`));
    for (const key of Object.keys(command.options ?? {})) t.regex(help, new RegExp(`^ {2}--${key} `, 'm'));
    for (const key of Object.keys(command.arguments ?? {})) t.regex(help, new RegExp(`^ {2}<${key}> `, 'm'));
    t.true(Object.keys(command.examples).length >= 2, 'two examples');
    for (const example of Object.keys(command.examples)) {
      t.true(help.includes(`  core-runtime ${example} `), example);
      t.true(example === name || example.startsWith(`${name} `), example);
      const words = example
        .slice(name.length)
        .replace(/ (>>?|\|) .*/, '')
        .split(' ')
        .filter(Boolean);
      t.notThrows(() => parseCommandLine(command, words), example);
    }
    t.regex(command.summary, /^[A-Z][^.]*\.$/);
    t.true(commandsTable(all).includes(command.summary));
  });
}

test('every command that prints something to read has --json', t => {
  t.deepEqual(
    all.filter(([, {options = {}}]) => !('json' in options)).map(([name]) => name),
    ['dev', 'start'],
  );
});

test('the help of a group is that of its commands; --help behind -- belongs to the other program', async t => {
  const {code, stdout} = await cli(['journal', '--help']);
  t.is(code, 0);
  t.deepEqual(
    [...stdout.matchAll(/^core-runtime (journal \w+)/gm)].map(([, name]) => name),
    ['journal export', 'journal import', 'journal verify', 'journal backup'],
  );
  t.notRegex((await cli(['conform', '--', 'false', '--help'])).stdout, /Examples/);
});

test('an import says in JSON what it did', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'import-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  const journal = join(folder, 'journal.db');
  const {code, stdout, stderr} = await cli(['journal', '--json', 'import', '/dev/null', '--journal', journal]);
  t.is(code, 0, stderr);
  t.deepEqual(JSON.parse(stdout), {
    journal,
    imported: 0,
    known: 0,
    leftOut: 0,
    work: {taken: 0, known: 0, leftOut: 0},
    keys: {taken: 0, known: 0, leftOut: 0},
  });
  t.is(stderr, '');
});

test('cells stand in columns; those of numbers end together', t => {
  const row = columns(4, -5);
  t.is(row('a', 12, 'rest'), 'a        12  rest');
  t.is(row('a'), 'a');
  t.deepEqual(
    table([
      ['a', 'bb'],
      ['ccc', 'd'],
    ]),
    ['a    bb', 'ccc  d'],
  );
  t.deepEqual(table([]), []);
});
