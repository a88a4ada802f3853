import {ConfigurationError} from '../errors.ts';
import type {JournalHouse, OpenedJournal, Retention} from './engine.ts';
import {defaultEngine, dismissOthers, fallbackEngine, type JournalPlace, locationOf, readPlace} from './index.ts';

export interface JournalWish {
  /** CORE_JOURNAL; undefined when it is not set. */
  readonly location: string | undefined;
  /** Where the journal is then; undefined when no folder is known for it. */
  readonly fallback: JournalPlace | undefined;
  /** Something relies on the journal, such as a schedule, so memory does not replace it. */
  readonly mustLast: boolean;
  readonly retention: Retention;
}

/** The journal of a core, with what its engine says about claims. */
export interface CoreJournal extends OpenedJournal {
  /** How long a claim by another core counts as being worked on. */
  readonly leaseMs: number;
  /** As CORE_JOURNAL would name it. */
  readonly location: string;
}

/**
Opens the journal that the settings name. Where they name none and nothing relies on it, memory replaces a journal that
cannot be opened, with a warning.

@throws ConfigurationError that names the setting and what to do
*/
export async function openJournal({location, fallback, mustLast, retention}: JournalWish, house: JournalHouse): Promise<CoreJournal> {
  const wanted = location === undefined ? fallback : readPlace(location);
  const name = location ?? (wanted && locationOf(wanted));
  try {
    if (wanted === undefined) throw new Error('no folder is known for it, as neither CORE_DATA_DIR nor HOME is set');
    return await openAt(wanted, retention, house);
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    if (location !== undefined || mustLast) throw refusal(name, cause, wanted);
    house.log.warn({journal: name, cause}, 'Facts are kept in memory only: the journal cannot be opened');
    return openAt({engine: fallbackEngine, place: ''}, retention, house);
  }
}

async function openAt({engine, place}: JournalPlace, retention: Retention, house: JournalHouse): Promise<CoreJournal> {
  const opened = await engine.open(place, retention, house);
  await dismissOthers(engine);
  return {
    journal: opened.journal,
    leaseMs: engine.leaseMs,
    location: locationOf({engine, place}),
    get isDurable() {
      return opened.isDurable;
    },
  };
}

function refusal(name: string | undefined, cause: string, {engine} = {engine: defaultEngine}): ConfigurationError {
  return new ConfigurationError([
    `CORE_JOURNAL: ${name === undefined ? 'the journal' : `\`${name}\``} cannot be opened: ${cause}. ${engine.remedy}`,
  ]);
}
