import {parseArgs} from 'node:util';
import {triggers} from '../../triggers/index.ts';
import {commandLine} from '../called-as.ts';
import {type Options, parserOptions} from '../command/arguments.ts';
import type {Command, CommandTable} from '../command/command.ts';
import {CommandFailed} from '../command/failure.ts';
import {exit} from '../exit.ts';
import {nearest} from '../nearest.ts';
import type {NamedCommand} from './help.ts';
import {joinCommands} from './join.ts';

/** The commands of the core itself. A new one is a file and a line here. Triggers bring their own. */
const own: CommandTable = {
  serving: {
    init: async () => (await import('./init.ts')).init,
    dev: async () => (await import('./dev.ts')).dev,
    start: async () => (await import('./start.ts')).start,
    invoke: async () => (await import('./invoke.ts')).invoke,
  },
  settings: {
    token: async () => (await import('./token.ts')).token,
    config: async () => (await import('./config.ts')).config,
  },
  core: {
    top: async () => (await import('./top.ts')).top,
    ready: async () => (await import('./ready.ts')).ready,
    work: async () => (await import('./work.ts')).work,
    'dead list': async () => (await import('./dead-list.ts')).deadList,
    'dead show': async () => (await import('./dead-show.ts')).deadShow,
    'dead redrive': async () => (await import('./dead-redrive.ts')).deadRedrive,
    'dead drop': async () => (await import('./dead-drop.ts')).deadDrop,
  },
  journal: {
    invocations: async () => (await import('./invocations.ts')).invocations,
    explain: async () => (await import('./explain.ts')).explain,
    facts: async () => (await import('./facts.ts')).facts,
    replay: async () => (await import('./replay.ts')).replay,
    'journal export': async () => (await import('./journal-export.ts')).journalExport,
    'journal import': async () => (await import('./journal-import.ts')).journalImport,
    'journal verify': async () => (await import('./journal-verify.ts')).journalVerify,
    'journal backup': async () => (await import('./journal-backup.ts')).journalBackup,
  },
  'sub-runtime': {
    conform: async () => (await import('./conform.ts')).conform,
  },
};

const commands = joinCommands(own, triggers);

/** Every command, or those of one group. */
export function loadCommands(group?: string): Promise<NamedCommand[]> {
  const chosen = Object.entries(commands).filter(([name]) => group === undefined || name.startsWith(`${group} `));
  return Promise.all(chosen.map(async ([name, load]) => [name, await load()] as const));
}

export interface FoundCommand {
  readonly name: string;
  readonly command: Command;
  /** The words after its name. */
  readonly args: readonly string[];
}

/**
The command that a command line names.

@throws CommandFailed when its first word, or the second in a group, names none
*/
export async function findCommand([name = '', ...args]: readonly string[]): Promise<FoundCommand> {
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (load) return {name, command: await load(), args};
  const group = await loadCommands(name);
  if (group.length > 0) return findInGroup(name, group, args);
  const got = name === '' ? 'expected a command' : `expected a command, got \`${name}\``;
  const meant = alike(name);
  if (meant !== undefined)
    throw new CommandFailed(exit.misused, `${got}; did you mean \`${commandLine(meant)}\`? \`${commandLine('help')}\` lists all`);
  const {usage} = await import('./help.ts');
  throw new CommandFailed(exit.misused, `${got}\n\n${usage(await loadCommands())}`);
}

/** The command that a mistyped word means, or that has the word as its second one; undefined when none is like it. */
function alike(written: string): string | undefined {
  const names = Object.keys(commands);
  const second = names.find(name => name.endsWith(` ${written}`));
  const words = ['help', ...new Set(names.map(name => name.split(' ')[0] ?? ''))];
  const best = nearest(written, words);
  return second ?? (best && best.edits <= mostEdits(written) ? best.word : undefined);
}

/** A third of the letters may be wrong, so that a short word is not taken for another short word. */
const mostEdits = (written: string) => Math.floor(written.length / 3);

/** The first word that is neither an option nor the value of one names the command. */
function findInGroup(name: string, group: readonly NamedCommand[], args: readonly string[]): FoundCommand {
  const options: Options = Object.assign({}, ...group.map(([, {options}]) => options));
  const {tokens} = parseArgs({args: [...args], strict: false, allowPositionals: true, tokens: true, options: parserOptions(options)});
  const second = tokens.find(({kind}) => kind === 'positional');
  const word = second === undefined ? '' : args[second.index];
  const found = group.find(([each]) => each === `${name} ${word}`);
  if (found && second) return {name: found[0], command: found[1], args: args.toSpliced(second.index, 1)};
  const words = group.map(([each]) => each.slice(name.length + 1));
  throw new CommandFailed(exit.misused, `${name}: expected one of ${words.join(', ')}, got \`${word}\``);
}
