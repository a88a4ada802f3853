import path from 'node:path';
import {resolveFunction} from '../../runtimes/resolve.ts';
import {type Clock, systemClock} from '../clock.ts';
import {text} from '../command/arguments.ts';
import {CommandFailed} from '../command/failure.ts';
import {complain} from '../command/terminal.ts';
import {ConfigurationError} from '../errors.ts';
import {exit} from '../exit.ts';
import {type Journal, JournalDamaged} from '../journal.ts';
import {defaultJournal} from '../journals/default.ts';
import type {JournalArchive, JournalEngine} from '../journals/engine.ts';
import {defaultEngine, type JournalPlace, nameOf, readPlace} from '../journals/index.ts';
import type {Log} from '../log.ts';
import type {FunctionSpec} from '../runtime.ts';
import {type Config, dataDirOf, parseConfig} from '../settings/config.ts';
import type {Environment} from '../settings/setting.ts';

/** Options of every command that reads a journal: which one it reads. */
export const whichJournal = {
  journal: text(
    '<file>',
    'Journal to use. By default that of the settings, of the core that runs here, or of the function in this folder.',
  ),
  handler: text('<file>', 'Use the journal of this handler.'),
};

/** A journal that can be read without its core. */
export interface LocatedJournal extends JournalPlace {
  readonly engine: JournalEngine & Required<Pick<JournalEngine, 'read'>>;
  /** It is read through the core that runs here, and nothing can be appended to it from here. */
  readonly isRemote?: true;
}

export interface WhichJournal {
  readonly journal?: string | undefined;
  readonly handler?: string | undefined;
}

/**
The journal that options or settings name: `--journal`, else CORE_JOURNAL, else that of the handler.

@returns undefined when they name none
@throws CommandFailed when what they name cannot be read
*/
export function namedJournal({journal, handler}: WhichJournal, env: Environment): LocatedJournal | undefined {
  if (journal !== undefined) return located(readPlace(journal) ?? fileAt(journal), '--journal');
  const config = parseConfig({...env, ...(handler !== undefined && {SCW_HANDLER_PATH: path.resolve(handler)})});
  const access = {credentials: config.journalCredentials, synced: config.journalSynced};
  const set = config.journal === undefined ? undefined : readPlace(config.journal, access);
  const named = set && located(set, 'CORE_JOURNAL');
  if (named && handler === undefined) return named;
  const dataDir = dataDirOf(config, env);
  if (dataDir === undefined) throw new CommandFailed(exit.noJournal, 'expected --journal <file>, as no data folder is known');
  if (config.handlerPath !== undefined) {
    const spec = handler === undefined ? resolveFunction(config) : resolveNamed('--handler', config);
    return located(defaultJournal(dataDir, spec), '--handler');
  }
  return undefined;
}

/** A file of the default engine. */
export const fileAt = (file: string): JournalPlace => ({engine: defaultEngine, place: path.resolve(file)});

/** @throws CommandFailed when the engine leaves nothing to read */
function located({engine, place}: JournalPlace, source: string): LocatedJournal {
  const journal = readable({engine, place});
  if (!journal) throw new CommandFailed(exit.noJournal, `${source} is ${engine.form.replace(/:.*/, '')}: there is nothing to read`);
  return journal;
}

/** @returns undefined when the engine leaves nothing to read */
export function readable({engine, place}: JournalPlace): LocatedJournal | undefined {
  const {read} = engine;
  return read && {engine: {...engine, read}, place};
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

/** @throws CommandFailed when the journal does not exist, JournalDamaged when it is not what was written */
export async function openArchive({engine, place}: LocatedJournal): Promise<JournalArchive> {
  try {
    return await engine.read(place, systemClock);
  } catch (error) {
    if (error instanceof JournalDamaged) throw error;
    throw new CommandFailed(exit.noJournal, `${nameOf({engine, place})}: ${error instanceof Error ? error.message : error}`);
  }
}

/**
Opens a journal that no core holds, to append to it. Nothing is removed from it, however old it is.

@throws JournalRefused
*/
export async function openToAppend({engine, place}: JournalPlace, clock: Clock): Promise<Journal> {
  const keptForEver = {factsMs: Number.MAX_SAFE_INTEGER, payloadsMs: Number.MAX_SAFE_INTEGER, maxBytes: Number.MAX_SAFE_INTEGER};
  const meter = {appended() {}, shed() {}, payloadsShed() {}};
  return (await engine.open(place, keptForEver, {clock, log: onStderr, meter})).journal;
}

const tell = (_fields: unknown, message: string) => complain(message);
const onStderr: Log = {debug() {}, info: tell, warn: tell, error: tell};

/** Until Ctrl-C; the second one ends the process as usual. */
export function untilInterrupted(): AbortSignal {
  const stopping = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => stopping.abort());
  return stopping.signal;
}
