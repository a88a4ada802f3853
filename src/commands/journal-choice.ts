import {existsSync} from 'node:fs';
import path from 'node:path';
import {systemClock} from '../clock.ts';
import {askCore, NoCore} from '../command/core-here.ts';
import {CommandFailed} from '../command/failure.ts';
import {complain} from '../command/terminal.ts';
import {either} from '../either.ts';
import {exit} from '../exit.ts';
import {defaultJournals} from '../journals/default.ts';
import {type JournalPlace, readPlace} from '../journals/index.ts';
import {Boots} from '../projections/boots.ts';
import {dataDirOf, parseConfig} from '../settings/config.ts';
import type {Environment} from '../settings/setting.ts';
import {CoreArchive} from './core-archive.ts';
import {type LocatedJournal, namedJournal, readable, type WhichJournal} from './journal-at.ts';

/** A journal, and the function that it is about, as far as that is known. */
interface Candidate {
  readonly journal: LocatedJournal;
  readonly handler: string | undefined;
}

/** How long the core that runs here may take to say which journal it has. */
const waitMs = 2000;
/** Most journals that are opened to learn whose they are, the newest. */
const mostOpened = 100;
/** Most that a message lists. */
const mostListed = 20;
/** Most other functions that a note names. */
const mostNamed = 3;

/**
The journal that a command reads: the one that options or settings name; else that of the core that runs here, whose function
is in this folder; else the only one of a function in this folder; else that of the core; else the only one that exists.

@throws CommandFailed that lists those that exist, by their functions
*/
export async function findJournal(which: WhichJournal, env: Environment, folder = process.cwd()): Promise<LocatedJournal> {
  const isHere = ({handler}: Candidate) => handler?.startsWith(`${folder}${path.sep}`) === true;
  const isOption = which.journal !== undefined || which.handler !== undefined;
  const isInMemory = !isOption && env.CORE_JOURNAL === 'memory:';
  const named = isInMemory ? undefined : namedJournal(which, env);
  if (named && (isOption || named.engine.isShared || existsSync(named.place))) return named;
  const ofCore = await journalOfCore(env);
  // A core whose journal could not be opened has it in memory.
  if (named) return env.SCW_HANDLER_PATH !== undefined && ofCore?.handler?.startsWith(env.SCW_HANDLER_PATH) ? ofCore.journal : named;
  if (ofCore && isInMemory) return ofCore.journal;
  if (ofCore && isHere(ofCore)) {
    noteOthers(ofCore, (await existing(env)).filter(isHere));
    return ofCore.journal;
  }
  if (isInMemory) namedJournal(which, env); // throws, as no core has it
  const all = await existing(env);
  const here = all.filter(isHere);
  if (here.length === 1 && here[0]) return here[0].journal;
  if (ofCore) return ofCore.journal;
  return only(here.length > 0 ? here : all, env);
}

/** The same for a command that does not read what only the core has. */
export async function findFile(which: WhichJournal, env: Environment): Promise<LocatedJournal> {
  const journal = await findJournal(which, env);
  if (journal.isRemote)
    throw new CommandFailed(
      exit.noJournal,
      'the journal of the core that runs here is not a file that can be read: name one with --journal <file>',
    );
  return journal;
}

/** @returns undefined when no core answers, or when what answers does not say */
async function journalOfCore(env: Environment): Promise<Candidate | undefined> {
  try {
    const {status, body} = await askCore(env, 'GET', '/api/now', {waitMs});
    const {journal, function: served} = (status === 200 ? body : undefined) as {
      readonly journal?: {readonly location?: string};
      readonly function?: {readonly handler?: string};
    };
    const place = journal?.location === undefined ? undefined : readPlace(journal.location);
    return place && {journal: seenFromHere(place, env), handler: served?.handler};
  } catch (error) {
    if (error instanceof NoCore || error instanceof TypeError) return undefined;
    throw error;
  }
}

function seenFromHere(place: JournalPlace, env: Environment): LocatedJournal {
  const file = existsSync(place.place) ? readable(place) : undefined;
  return file ?? {place: place.place, isRemote: true, engine: {...place.engine, read: async () => new CoreArchive(env)}};
}

async function existing(env: Environment): Promise<Candidate[]> {
  const dataDir = dataDirOf(parseConfig(env), env);
  const places = dataDir === undefined ? [] : defaultJournals(dataDir).slice(0, mostOpened);
  const candidates: Candidate[] = [];
  for (const place of places) {
    const journal = readable(place);
    if (journal) candidates.push({journal, handler: await handlerOf(journal)});
  }
  return candidates;
}

/** The handler that was served last; undefined also when the journal cannot be read: a command that uses it says why. */
async function handlerOf({engine, place}: LocatedJournal): Promise<string | undefined> {
  try {
    using archive = await engine.read(place, systemClock);
    return (await Boots.read(archive)).handler;
  } catch {
    return undefined;
  }
}

/** Several functions may be served from one folder, and only one core was asked. */
function noteOthers({handler}: Candidate, here: readonly Candidate[]): void {
  const others = here.flatMap(each => (each.handler === undefined || each.handler === handler ? [] : [each.handler])).filter(existsSync);
  if (others.length === 0) return;
  const names = others.slice(0, mostNamed).map(other => `--handler ${other}`);
  complain(`this is about ${handler}; another function of this folder: ${either(names)}${others.length > mostNamed ? ' …' : ''}`);
}

function only(candidates: readonly Candidate[], env: Environment): LocatedJournal {
  const [first, ...more] = candidates;
  if (first && more.length === 0) return first.journal;
  const rows = candidates.map(({journal, handler}) => (handler === undefined ? `--journal ${journal.place}` : `--handler ${handler}`));
  const list = first
    ? `there are journals of several functions, that of the newest call first:\n  ${rows.slice(0, mostListed).join('\n  ')}${more.length >= mostListed ? '\n  …' : ''}`
    : `no journal exists below ${dataDirOf(parseConfig(env), env)}, and no core answers here`;
  throw new CommandFailed(exit.noJournal, `expected --handler <file> or --journal <file>: ${list}`);
}
