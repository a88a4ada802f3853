import {commandLine} from '../called-as.ts';
import type {Argument} from '../command/arguments.ts';
import {table} from '../command/columns.ts';
import type {Command} from '../command/command.ts';
import {exit, exitMeanings} from '../exit.ts';

export type NamedCommand = readonly [name: string, command: Command];

/** Every command with its summary: the answer to `core-runtime --help`. */
export function usage(commands: readonly NamedCommand[]): string {
  return [
    'Turns any function into a production service.',
    '',
    'Commands:',
    ...indented(commands.map(([name, it]) => [commandLine(shortSynopsisOf(name, it)), it.summary])),
    '',
    'More:',
    ...indented([
      [commandLine('help <command>'), 'Prints the options of a command, with examples. So does `<command> --help`.'],
      [commandLine('--version'), 'Prints the version.'],
    ]),
    '',
    'Commands that read a journal find it by --journal <file> or --handler <file>, by the settings, or by the core that runs here.',
    '',
    'Exit codes:',
    ...indented(exitRows.map(([code, meaning]) => [code, meaning.replaceAll('`', '')])),
  ].join('\n');
}

/** Help for one command, for every command of a group, or for all; undefined when the first word names no command. */
export function helpFor(first: string, second: string, commands: readonly NamedCommand[]): string | undefined {
  if (first.startsWith('-')) return usage(commands);
  const named = (...names: string[]) => commands.filter(([name]) => names.includes(name));
  const exact = named(first, `${first} ${second}`);
  const chosen = exact.length > 0 ? exact : commands.filter(([name]) => name.startsWith(`${first} `));
  return chosen.length === 0 ? undefined : chosen.map(([name, it]) => helpOf(name, it)).join('\n\n');
}

/** One command in full. */
function helpOf(name: string, it: Command): string {
  const rows = (title: string, table: readonly (readonly string[])[]) => (table.length === 0 ? [] : ['', `${title}:`, ...indented(table)]);
  return [
    commandLine(synopsisOf(name, it)),
    '',
    it.summary,
    ...rows(
      'Arguments',
      Object.entries(it.arguments ?? {}).map(([key, {doc}]) => [`<${key}>`, doc]),
    ),
    ...rows(
      'Options',
      Object.entries(it.options ?? {}).map(([key, {value, doc, short}]) => [
        optionText(key, value),
        short === undefined ? doc : `${doc} Short: -${short}`,
      ]),
    ),
    ...rows(
      'Examples',
      Object.entries(it.examples).map(([line, doc]) => [commandLine(line), doc]),
    ),
  ].join('\n');
}

/** The form of a command line: `fire <schedule> [--at <time>] [--json]`. */
export function synopsisOf(name: string, it: Command): string {
  const words = Object.entries(it.arguments ?? {}).map(([key, {shape}]) => [shape, shapes[shape](key)] as const);
  const options = Object.entries(it.options ?? {}).map(([key, {value}]) => `[${optionText(key, value)}]`);
  const [before, after] = [false, true].map(isLast =>
    words.filter(([shape]) => (shape === 'program' || shape === 'behind') === isLast).map(([, text]) => text),
  );
  return [name, ...(before ?? []), ...options, ...(after ?? [])].join(' ');
}

/** The same without the options: `fire <schedule>`. */
const shortSynopsisOf = (name: string, {options: _, ...it}: Command) => synopsisOf(name, it);

const shapes: Readonly<Record<Argument<unknown>['shape'], (name: string) => string>> = {
  one: name => `<${name}>`,
  optional: name => `[<${name}>]`,
  many: name => `[<${name}>…]`,
  program: name => `-- <${name}>`,
  behind: name => `[-- <${name}>]`,
};

const optionText = (name: string, value: string | undefined) => (value === undefined ? `--${name}` : `--${name} ${value}`);

const indented = (rows: readonly (readonly string[])[]) => table(rows).map(row => `  ${row}`);

const exitRows = Object.entries(exit).map(([name, code]) => [String(code), exitMeanings[name as keyof typeof exit]] as const);

/** The README's list of commands; a test compares both. */
export function commandsTable(commands: readonly NamedCommand[]): string {
  const rows = commands.map(([name, it]) => `| \`npx core-runtime ${shortSynopsisOf(name, it)}\` | ${it.summary} |`);
  return ['| command | what it does |', '| --- | --- |', ...rows, ''].join('\n');
}

/** The table of exit codes in docs/operations.md; a test compares both. */
export function exitTable(): string {
  const rows = exitRows.map(([code, meaning]) => `| ${code} | ${meaning} |`);
  return ['| exit code | meaning |', '| --- | --- |', ...rows, ''].join('\n');
}
