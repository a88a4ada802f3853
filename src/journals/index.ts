import {createHash} from 'node:crypto';
import path from 'node:path';
import {ConfigurationError} from '../errors.ts';
import type {JournalHouse, OpenedJournal} from './engine.ts';
import {MemoryJournal} from './memory.ts';
import type {Retention} from './sqlite/messages.ts';

type Open = (rest: string, retention: Retention, house: JournalHouse) => Promise<OpenedJournal>;

/** The engines by the scheme of CORE_JOURNAL; each is loaded only when it is wanted. */
const engines = {
  memory: async (_rest, _retention, {clock}) => ({journal: new MemoryJournal(clock), isDurable: false}),
  async sqlite(file, retention, house) {
    const {SqliteJournal} = await import('./sqlite/journal.ts');
    const journal = await SqliteJournal.open(path.resolve(file), retention, house);
    return {
      journal,
      get isDurable() {
        return journal.isDurable;
      },
    };
  },
} satisfies Record<string, Open>;

export interface JournalPlace {
  /** CORE_JOURNAL; undefined when it is not set. */
  readonly location: string | undefined;
  /** Where it is when it is not set; undefined when no folder is known. */
  readonly fallback: string | undefined;
  /** Somebody relies on it, such as a schedule: memory would not do. */
  readonly mustLast: boolean;
  readonly retention: Retention;
}

/**
Opens the journal where the settings say. Where they say nothing and nobody relies on it, one that cannot be had is
replaced by memory, with a warning.

@throws ConfigurationError that names the setting and the fix
*/
export async function openJournal(place: JournalPlace, house: JournalHouse): Promise<OpenedJournal> {
  const {location, fallback, mustLast, retention} = place;
  const wanted = location ?? (fallback === undefined ? undefined : `sqlite:${fallback}`);
  try {
    if (wanted === undefined) throw new Error('no folder is known for it, as neither CORE_DATA_DIR nor HOME is set');
    return await openAt(wanted, retention, house);
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    if (location !== undefined || mustLast) throw refusal(wanted, cause);
    house.log.warn({journal: wanted, cause}, 'Facts are kept in memory only: the journal cannot be opened');
    return {journal: new MemoryJournal(house.clock), isDurable: false};
  }
}

/** The file for a function when CORE_JOURNAL says nothing: each has a folder of its own. */
export function defaultJournal(dataDir: string, {handlerPath, handlerName}: {handlerPath: string; handlerName: string}): string {
  const name = createHash('sha256').update(`${handlerPath}:${handlerName}`).digest('hex').slice(0, 12);
  return path.join(dataDir, name, 'journal.db');
}

async function openAt(location: string, retention: Retention, house: JournalHouse): Promise<OpenedJournal> {
  const colon = location.indexOf(':');
  const scheme = location.slice(0, colon) as keyof typeof engines; // the setting's rule knows the same words
  return engines[scheme](location.slice(colon + 1), retention, house);
}

function refusal(location: string | undefined, cause: string): ConfigurationError {
  const fix =
    'Give CORE_JOURNAL=sqlite:<path> a file that only this core writes, stop the other one, or set CORE_JOURNAL=memory: to keep nothing. ' +
    'A damaged one can be looked at with `core-runtime journal verify` and moved away';
  return new ConfigurationError([
    `CORE_JOURNAL: ${location === undefined ? 'the journal' : `\`${location}\``} cannot be opened: ${cause}. ${fix}`,
  ]);
}
