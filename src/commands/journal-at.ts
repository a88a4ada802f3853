import {existsSync, readdirSync} from 'node:fs';
import path from 'node:path';
import {resolveFunction} from '../../runtimes/resolve.ts';
import {type Clock, systemClock} from '../clock.ts';
import {ConfigurationError} from '../errors.ts';
import {JournalDamaged} from '../journal.ts';
import {defaultJournal} from '../journals/index.ts';
import {SqliteArchive} from '../journals/sqlite/archive.ts';
import type {SqliteJournal} from '../journals/sqlite/journal.ts';
import type {Log} from '../log.ts';
import type {FunctionSpec} from '../runtime.ts';
import {type Config, dataDirOf, parseConfig} from '../settings/config.ts';
import type {Environment} from '../settings/setting.ts';
import {exit} from './exit.ts';
import {complain} from './terminal.ts';

/** Options by which every command that reads a journal is told which. */
export const whichJournal = {journal: {type: 'string'}, handler: {type: 'string'}} as const;

/** A command cannot go on; its message is one sentence for a person. */
export class CommandFailed extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Runs a command that answers on stdout; a failure is told on stderr, so that stdout has nothing but the answer. */
export async function orFail(work: () => Promise<void>): Promise<void> {
  process.stdout.on('error', endWhenUnread);
  try {
    await work();
  } catch (error) {
    const {problems, exitCode} = told(error);
    for (const problem of problems) complain(problem);
    process.exitCode = exitCode;
  }
}

/** Whoever reads has enough, as `head` does. What has another cause is a failure like any other. */
function endWhenUnread(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
}

/** What a person can do something about, in sentences; any other error is a bug and keeps its stack. */
function told(error: unknown): {problems: readonly string[]; exitCode: number} {
  if (error instanceof ConfigurationError) return {problems: error.problems, exitCode: exit.misconfigured};
  if (error instanceof CommandFailed) return {problems: [error.message], exitCode: error.exitCode};
  if (error instanceof JournalDamaged) {
    return {problems: [`${error.message}; \`core-runtime journal verify\` lists all that is wrong`], exitCode: exit.failed};
  }
  if (!isOfSystem(error)) throw error;
  return {problems: [error.message], exitCode: exit.failed};
}

/** A file that is not there, may not be read, or that SQLite cannot read. */
function isOfSystem(error: unknown): error is Error {
  return error instanceof Error && ('syscall' in error || ('code' in error && error.code === 'ERR_SQLITE_ERROR'));
}

/**
The file that is meant: `--journal`, else CORE_JOURNAL, else that of the handler; without a handler the only one there is.

@throws CommandFailed that lists what there is
*/
export function locateJournal({journal, handler}: {journal?: string | undefined; handler?: string | undefined}, env: Environment): string {
  if (journal !== undefined) return path.resolve(journal.replace(/^sqlite:/, ''));
  const config = parseConfig({...env, ...(handler !== undefined && {SCW_HANDLER_PATH: path.resolve(handler)})});
  if (config.journal === 'memory:') throw new CommandFailed(exit.noJournal, 'CORE_JOURNAL is memory: there is nothing to read');
  if (config.journal !== undefined && handler === undefined) return path.resolve(config.journal.replace(/^sqlite:/, ''));
  const dataDir = dataDirOf(config, env);
  if (dataDir === undefined) throw new CommandFailed(exit.noJournal, 'expected --journal <file>, as no data folder is known');
  if (config.handlerPath !== undefined) {
    return defaultJournal(dataDir, handler === undefined ? resolveFunction(config) : resolveNamed('--handler', config));
  }
  const found = journalsBelow(dataDir);
  if (found.length === 1 && found[0]) return found[0];
  const list = found.length === 0 ? `there is none below ${dataDir}` : `there are several:\n  ${found.join('\n  ')}`;
  throw new CommandFailed(exit.noJournal, `expected --journal <file> or --handler <file>: ${list}`);
}

/** The function that an option names: what is wrong with it is a mistake in the command line, not in a setting. @throws CommandFailed */
export function resolveNamed(option: '--handler' | '--against', config: Config): FunctionSpec {
  try {
    return resolveFunction(config);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    throw new CommandFailed(exit.misused, error.message.replaceAll('SCW_HANDLER_PATH', option));
  }
}

/** @throws CommandFailed when there is none, JournalDamaged when it is not what was written */
export function openArchive(file: string): SqliteArchive {
  try {
    return new SqliteArchive(file, systemClock);
  } catch (error) {
    if (error instanceof JournalDamaged) throw error;
    throw new CommandFailed(exit.noJournal, `${file}: ${error instanceof Error ? error.message : error}`);
  }
}

/**
Opens a journal that no core has, to append to it. Nothing is removed from it, whatever its age.

@throws JournalRefused
*/
export async function openToAppend(file: string, clock: Clock): Promise<SqliteJournal> {
  const keptForEver = {factsMs: Number.MAX_SAFE_INTEGER, payloadsMs: Number.MAX_SAFE_INTEGER, maxBytes: Number.MAX_SAFE_INTEGER};
  const {SqliteJournal} = await import('../journals/sqlite/journal.ts');
  return SqliteJournal.open(file, keptForEver, {clock, log: onStderr, meter: {appended() {}, shed() {}, payloadsShed() {}}});
}

const tell = (_fields: unknown, message: string) => complain(message);
const onStderr: Log = {debug() {}, info: tell, warn: tell, error: tell};

/** Until Ctrl-C; the second one ends the process as usual. */
export function untilInterrupted(): AbortSignal {
  const stopping = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => stopping.abort());
  return stopping.signal;
}

function journalsBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .map(name => path.join(folder, name, 'journal.db'))
    .filter(existsSync);
}
