import {parseArgs} from 'node:util';
import {commandLine} from '../called-as.ts';
import {type Argument, type Arguments, type Option, type Options, parserOptions} from '../command/arguments.ts';
import type {Command} from '../command/command.ts';
import {CommandFailed} from '../command/failure.ts';
import {exit} from '../exit.ts';
import {nearest} from '../nearest.ts';

/**
What a command is given, by the names of its arguments and options.

@throws CommandFailed, or the TypeError of parseArgs
*/
export function parseCommandLine(
  {arguments: wanted = {}, options = {}, examples}: Command,
  args: readonly string[],
): Record<string, unknown> {
  refuseUnknown(options, args);
  const {values, positionals} = parseArgs({
    args: [...args],
    allowPositionals: Object.keys(wanted).length > 0,
    options: parserOptions(options),
  });
  const takesBehind = Object.values(wanted).some(({shape}) => shape === 'behind');
  const behind = takesBehind && args.includes('--') ? args.slice(args.indexOf('--') + 1) : [];
  const before = positionals.slice(0, positionals.length - behind.length);
  return {...readArguments(wanted, before, behind, Object.keys(examples)[0]), ...readOptions(options, values)};
}

/** Node's own message speaks of words that begin with a dash. @throws CommandFailed that names the option which was meant, if one is like it */
function refuseUnknown(options: Options, args: readonly string[]): void {
  const known = parserOptions(options);
  const {tokens} = parseArgs({args: [...args], options: known, strict: false, allowPositionals: true, tokens: true});
  const letters = Object.values(options).map(({short}) => short);
  for (const token of tokens) {
    if (token.kind !== 'option' || Object.hasOwn(known, token.name) || letters.includes(token.name)) continue;
    const best = token.name.length > 1 ? nearest(token.name, Object.keys(options)) : undefined;
    // A third of the letters may be wrong, so that a short word is not taken for another short word.
    const isLike = best !== undefined && best.edits <= Math.max(1, Math.floor(token.name.length / 3));
    const advice = isLike ? `did you mean --${best.word}?` : '--help lists those that there are';
    throw new CommandFailed(exit.misused, `Unknown option '${token.rawName}': ${advice}`);
  }
}

function readArguments(
  wanted: Arguments,
  words: readonly string[],
  behind: readonly string[],
  example: string | undefined,
): Record<string, unknown> {
  const given: Record<string, unknown> = {};
  const left = [...words];
  let last: Argument<unknown> | undefined;
  for (const [name, argument] of Object.entries(wanted)) {
    if (argument.shape === 'behind') {
      given[name] = argument.take([...behind]);
      continue;
    }
    last = argument;
    const value = argument.take(left);
    if (value === undefined && argument.shape !== 'optional') throw expected(argument);
    given[name] = value;
  }
  if (left.length > 0) throw expected(last ?? {expected: 'a command behind --'});
  return given;

  function expected({expected}: Pick<Argument<unknown>, 'expected'>): CommandFailed {
    return new CommandFailed(exit.misused, `expected ${expected}${example === undefined ? '' : `, as in \`${commandLine(example)}\``}`);
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
