import {ConfigurationError} from '../errors.ts';
import {type Cores, soleCore} from '../journal.ts';
import type {Access, JournalHealth, JournalHouse, OpenedJournal, Retention} from './engine.ts';
import {defaultEngine, dismissOthers, fallbackEngine, type JournalPlace, locationOf, readPlace} from './index.ts';
import {openOrAwait} from './open-or-await.ts';

export interface JournalWish {
  /** CORE_JOURNAL; undefined when it is not set. */
  readonly location: string | undefined;
  /** Where the journal is then; undefined when no folder is known for it. */
  readonly fallback: JournalPlace | undefined;
  /** Something relies on the journal, such as a schedule, so memory does not replace it. */
  readonly mustLast: boolean;
  readonly retention: Retention;
  readonly access?: Access;
}

/** How the servers of a journal are, and what keeps it: `nats`, `postgres`. */
export interface NamedHealth extends JournalHealth {
  readonly engine: string;
}

/** The journal of a core. */
export interface CoreJournal extends Omit<OpenedJournal, 'health'> {
  readonly cores: Cores;
  /** As CORE_JOURNAL would name it. */
  readonly location: string;
  /** Undefined where no servers keep it. */
  health(): NamedHealth | undefined;
}

/**
Opens the journal that the settings name. Where they name none and nothing relies on it, memory replaces a journal that
cannot be opened, with a warning. A core does not wait for the servers of one that several share: it is opened once they are there.

@throws ConfigurationError that names the setting and what to do
*/
export async function openJournal(
  {location, fallback, mustLast, retention, access}: JournalWish,
  house: JournalHouse,
): Promise<CoreJournal> {
  const wanted = location === undefined ? fallback : readPlace(location, access);
  const name = wanted ? locationOf(wanted) : location;
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

/** The same for a process beside a core. @returns undefined when only one process at a time can write that journal */
export async function openShared(wish: JournalWish, house: JournalHouse): Promise<CoreJournal | undefined> {
  const place = wish.location === undefined ? wish.fallback : readPlace(wish.location);
  return place?.engine.isShared ? openJournal(wish, house) : undefined;
}

async function openAt({engine, place}: JournalPlace, retention: Retention, house: JournalHouse): Promise<CoreJournal> {
  const location = locationOf({engine, place});
  const openNow = async () => {
    const opened = await engine.open(place, retention, house);
    if (engine.isShared) house.log.info({journal: location, ...opened.can}, 'The journal is open, and other cores may share it');
    return opened;
  };
  const isAwaited = engine.isShared && house.core !== undefined; // a command has nothing else to do
  const opened = await (isAwaited ? openOrAwait(openNow, {...house, location}) : openNow());
  await dismissOthers(engine);
  return {
    journal: opened.journal,
    cores: opened.cores ?? soleCore,
    location,
    health() {
      const health = opened.health?.();
      return health && {...health, engine: location.slice(0, location.indexOf(':'))};
    },
    get can() {
      return opened.can;
    },
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
