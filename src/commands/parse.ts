import {parseArgs} from 'node:util';
import {type Argument, type Arguments, type Option, type Options, parserOptions} from '../command/arguments.ts';
import type {Command} from '../command/command.ts';
import {CommandFailed} from '../command/failure.ts';
import {exit} from '../exit.ts';

/**
What a command is given, by the names of its arguments and options.

@throws CommandFailed, or the TypeError of parseArgs
*/
export function parseCommandLine(
  {arguments: wanted = {}, options = {}, examples}: Command,
  args: readonly string[],
): Record<string, unknown> {
  const {values, positionals} = parseArgs({
    args: [...args],
    allowPositionals: Object.keys(wanted).length > 0,
    options: parserOptions(options),
  });
  return {...readArguments(wanted, positionals, Object.keys(examples)[0]), ...readOptions(options, values)};
}

function readArguments(wanted: Arguments, words: readonly string[], example: string | undefined): Record<string, unknown> {
  const given: Record<string, unknown> = {};
  const left = [...words];
  let last: Argument<unknown> | undefined;
  for (const [name, argument] of Object.entries(wanted)) {
    last = argument;
    const value = argument.take(left);
    if (value === undefined && argument.shape !== 'optional') throw expected(argument);
    given[name] = value;
  }
  if (left.length > 0 && last) throw expected(last);
  return given;

  function expected({expected}: Argument<unknown>): CommandFailed {
    return new CommandFailed(exit.misused, `expected ${expected}${example === undefined ? '' : `, as in \`core-runtime ${example}\``}`);
  }
}

function readOptions(options: Options, values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).map(([name, option]) => [name, readOption(name, option, values[name])]));
}

function readOption(name: string, option: Option<unknown>, value: unknown): unknown {
  if (Array.isArray(value)) return value.flatMap(each => readText(name, option, String(each)));
  return readText(name, option, value === undefined ? undefined : String(value));
}

function readText(name: string, {read, expected}: Option<unknown>, text: string | undefined): unknown {
  const meaning = read(text);
  if (text !== undefined && meaning === undefined)
    throw new CommandFailed(exit.misused, `--${name}: expected ${expected}, got \`${text}\``);
  return meaning;
}
