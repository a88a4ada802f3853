import {closeSync, openSync, readdirSync, readFileSync, readSync, statSync} from 'node:fs';
import path from 'node:path';
import {runtimes} from '../../runtimes/index.ts';
import {codeOf} from '../../runtimes/resolve.ts';
import {commandLine} from '../called-as.ts';
import {CommandFailed} from '../command/failure.ts';
import {shellWord} from '../command/shell-word.ts';
import {exit} from '../exit.ts';
import {compiledAdvice, languageOfFolder} from './compiled.ts';
import {isExecutable} from './executable.ts';

/** The function that a path on the command line names. */
export interface Found {
  /** Absolute. */
  readonly handlerPath: string;
  /** Absolute. It is watched, its `.env` is read, and the function is called like it. */
  readonly folder: string;
  /** The handler is a program that serves the protocol itself. */
  readonly isBinary: boolean;
}

/**
Finds the function that a path names: a handler file with or without its extension, a program, or a folder with one of these.

@param given relative to `cwd`; undefined: `cwd` itself
@param isLanguageKnown settings say what runs the handler, so any file may be one
@throws CommandFailed that says what was found instead, and what to do
*/
export function findFunction(given: string | undefined, cwd: string, isLanguageKnown = false): Found {
  const place = path.resolve(cwd, given ?? '.');
  const stats = statSync(place, {throwIfNoEntry: false});
  if (stats?.isDirectory()) return foundIn(place);
  if (isLanguageKnown) return {handlerPath: place, folder: path.dirname(place), isBinary: false};
  if (stats) return foundAt(place, path.dirname(place));
  return foundAt(completed(place, given ?? place), path.dirname(place));
}

/** A command that is the function: the code is what the folder holds. */
export function findCommand(command: readonly [string, ...string[]], folder: string): Found {
  return {handlerPath: codeOf(command), folder, isBinary: false};
}

/** Searches a folder: `handler.*`, then what package.json names, then `index.*`. */
function foundIn(folder: string): Found {
  const main = mainOf(folder);
  const tiers = [named(folder, 'handler'), main === undefined ? [] : mainFiles(folder, main), named(folder, 'index')];
  const files = tiers.find(tier => tier.length > 0) ?? [];
  if (files.length > 1) {
    const names = files.map(file => path.relative(folder, file));
    throw refusal(`${folder} has several handlers: ${names.join(', ')}. Name one, such as \`${example(files)}\``);
  }
  const [file] = files;
  if (file === undefined) throw refusal(nothingIn(folder, main));
  return foundAt(file, folder);
}

/** Handlers and programs with this name. */
function named(folder: string, name: string): string[] {
  const file = path.join(folder, name);
  const program = isFile(file) && isExecutable(file) && isProgram(file) ? [file] : [];
  return [...extensions.map(extension => file + extension).filter(isFile), ...program];
}

/** `main` of the folder's package.json. */
function mainOf(folder: string): string | undefined {
  const file = path.join(folder, 'package.json');
  if (!isFile(file)) return undefined;
  try {
    const {main} = JSON.parse(readFileSync(file, 'utf8'));
    return typeof main === 'string' && main !== '' ? main : undefined;
  } catch (error) {
    throw refusal(`${file} cannot be read: ${error instanceof Error ? error.message : error}`);
  }
}

/** As Node completes it: a file, a file without its extension, a folder with an index. */
function mainFiles(folder: string, main: string): string[] {
  const file = path.join(folder, main);
  if (isFile(file)) return [file];
  const completed = [
    ...extensions.map(extension => file + extension),
    ...extensions.map(extension => path.join(file, `index${extension}`)),
  ];
  return completed.filter(isFile).slice(0, 1);
}

function nothingIn(folder: string, main: string | undefined): string {
  const language = languageOfFolder(folder);
  if (language) return compiledAdvice(language, folder);
  const sources = readdirSync(folder).filter(name => extensions.includes(path.extname(name)) && !/\.d\.ts$|\.test\.|\.config\./.test(name));
  const files = sources.slice(0, 5).map(name => path.join(folder, name));
  const missing = main === undefined ? '' : `; main of package.json is \`${main}\`, which does not exist`;
  const below = sources.length === 0 ? foldersWithHandlers(folder) : [];
  if (below.length > 0)
    return `${folder} has no handler, but folders with one: \`${commandLine(`dev ${below.map(each => shellWord(example([each]))).join(' ')}`)}\` serves them side by side`;
  const hint = sources.length > 0 ? `. It has ${sources.slice(0, 5).join(', ')}: name one` : '. Name one';
  return `${folder} has no handler: expected handler.*, index.* or \`main\` of package.json${missing}${hint}, such as \`${example(files)}\``;
}

const mostFoldersShown = 5;

function foldersWithHandlers(folder: string): string[] {
  const folders = readdirSync(folder, {withFileTypes: true}).filter(entry => entry.isDirectory() && entry.name !== 'node_modules');
  return folders
    .map(({name}) => path.join(folder, name))
    .filter(each => named(each, 'handler').length > 0)
    .slice(0, mostFoldersShown);
}

/** Judges one file. */
function foundAt(file: string, folder: string): Found {
  if (!isFile(file)) throw refusal(`expected a file or a folder, got \`${file}\``);
  if (extensions.includes(path.extname(file))) return {handlerPath: file, folder, isBinary: false};
  const language = {'.go': 'go', '.rs': 'rust'}[path.extname(file)];
  if (language === 'go' || language === 'rust') throw refusal(compiledAdvice(language, folder));
  if (!isProgram(file)) throw refusal(`expected a program, or a handler with one of ${extensions.join(' ')}, got \`${file}\``);
  if (!isExecutable(file)) throw refusal(`${file} is a program that may not be executed: \`chmod +x ${file}\``);
  return {handlerPath: file, folder, isBinary: true};
}

/** A path without its extension; there must be one way only. */
function completed(place: string, given: string): string {
  const files = extensions.map(extension => place + extension).filter(isFile);
  const [file] = files;
  if (file === undefined) throw refusal(`expected a handler file, a folder or a program, got \`${given}\`, which does not exist`);
  if (files.length > 1) throw refusal(`several files fit \`${given}\`: ${files.join(', ')}. Name one with its extension`);
  return file;
}

/** The way from where the command was started, when that is shorter. */
function example([file = 'handler.js']: readonly string[]): string {
  const way = path.relative('', file);
  return way.startsWith('..') ? file : way;
}

const extensions: readonly string[] = Object.values(runtimes).flatMap(({extensions}) => extensions);
const isFile = (file: string) => statSync(file, {throwIfNoEntry: false})?.isFile() === true;

/** How programs begin: ELF, Mach-O for one processor or several, `#!`. */
const magics = [/^\x7fELF/, /^[\xce\xcf]\xfa\xed\xfe/, /^\xca\xfe\xba\xbe/, /^#!/];

function isProgram(file: string): boolean {
  const descriptor = openSync(file, 'r');
  try {
    const start = Buffer.alloc(4);
    readSync(descriptor, start);
    return magics.some(magic => magic.test(start.toString('latin1')));
  } finally {
    closeSync(descriptor);
  }
}

const refusal = (message: string) => new CommandFailed(exit.misused, message);
