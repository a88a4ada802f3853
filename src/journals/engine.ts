import type {Clock} from '../clock.ts';
import type {Cores, Durability, Journal, JournalReader, Position, Recorded} from '../journal.ts';
import type {Log} from '../log.ts';
import type {Meter} from '../meter.ts';
import type {UsedKey, WorkState} from '../work.ts';

/**
A kind of journal, as it declares itself in the table of `index.ts`. The declaration is read by settings and commands, so
it loads the code of its engine late, in the functions that need it.
*/
export interface JournalEngine {
  /** How CORE_JOURNAL names a journal of this engine, with the scheme: `sqlite:<path>`. */
  readonly form: string;
  /** What it is, in one sentence, for the document of the journal. */
  readonly doc: string;
  /** What the help adds after the form, in parentheses; '' for nothing. */
  readonly note: string;
  /** What a person can do about a journal that cannot be opened. */
  readonly remedy: string;
  /** True when several cores may write one journal at the same time. */
  readonly isShared: boolean;
  /** The place that the text after the scheme names; undefined when it names none. */
  placeOf(text: string): string | undefined;
  /** The place without what nobody may see, such as a password. Absent where a place has no such thing. */
  shown?(place: string): string;
  /** The same place with what settings say about how it is reached. */
  placeWith?(place: string, access: Access): string;
  /** Starts what takes long to start, before it is known where a journal is opened, and whether. */
  prepare?(): Promise<void>;
  /** Ends what `prepare` started: another engine keeps the journal. */
  dismiss?(): Promise<void>;
  /** Opens a journal to write it, and makes it if it does not exist. @throws JournalRefused */
  open(place: string, retention: Retention, house: JournalHouse): Promise<OpenedJournal>;
  /**
  Reads a journal beside the core that writes it, or without one. Absent where nothing outlives the core.

  @throws JournalDamaged when it is not what was written; Error when it does not exist or cannot be read
  */
  read?(place: string, clock: Clock): Promise<JournalArchive>;
  /** Checks everything that a journal holds. @throws Error when it does not exist */
  verify?(place: string, tell?: Tell): Promise<Verdict>;
  /** Copies a journal as of one moment to a new place. @throws Error when it cannot be copied, or the target exists */
  backUp?(place: string, target: string, tell?: Tell): Promise<void>;
}

/** Called several times a second with how far long work is, and how much there is; a backup counts bytes, a check facts and payloads. */
export type Tell = (done: number, total: number) => void;

/** How much a journal keeps, and for how long. */
export interface Retention {
  readonly factsMs: number;
  readonly payloadsMs: number;
  readonly maxBytes: number;
}

/** How servers are reached that keep a journal, as settings say. */
export interface Access {
  /** CORE_JOURNAL_CREDENTIALS: a file. */
  readonly credentials?: string | undefined;
  /** CORE_JOURNAL_SYNCED: `asserted`, or where it is seen that they sync what they keep. */
  readonly synced?: string | undefined;
}

/** What an engine needs from the core. */
export interface JournalHouse {
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Pick<Meter, 'appended' | 'shed' | 'payloadsShed'>;
  /** How much the engine may hold in memory; by default what it may where memory is ample. */
  readonly memoryBytes?: number;
  /** This boot of this core, as its claims name it. Absent for a command, which claims nothing. */
  readonly core?: string;
}

/** How the servers are that keep a journal, as far as this core knows. */
export interface JournalHealth {
  /** False while none of them answers. They may answer and keep nothing. */
  readonly isConnected: boolean;
  /** The copies that they keep; undefined where that is not known. `behind`: how many messages the slowest one lacks. */
  readonly copies?: {readonly wanted: number; readonly current: number; readonly behind: number} | undefined;
  /** How long ago, in milliseconds, all that was too old had been removed, by whichever core does it. */
  readonly sweptAgoMs: number;
  /**
  Whether all servers are seen to sync what they keep before they acknowledge it, and those that are not; undefined where nobody
  looks.
  */
  readonly synced?: {readonly isSeen: boolean; readonly unseen: readonly string[]} | undefined;
  /** How often this core has left a server that kept nothing for one that does; undefined where there is one server. */
  readonly changes?: number;
  /** Why the journal is not open yet. Absent once it is. */
  readonly problem?: string;
}

export interface OpenedJournal {
  readonly journal: Journal;
  /** Facts outlive the process now. False while they are in memory only, or cannot be written. */
  readonly isDurable: boolean;
  readonly can: Capabilities;
  /** Which cores write the journal; absent where only one core at a time can. */
  readonly cores?: Cores;
  /** Absent where no servers keep it. */
  health?(): JournalHealth;
}

/** What an open journal can do. A core that shares its journal prints it at the start. */
export interface Capabilities {
  /** What the receipt of an append promises. */
  readonly durability: Durability;
  /**
  Whether facts are on the disk before a receipt says that they are kept: the engine has `seen` that it is so, a setting has
  `asserted` it where it cannot be seen, or it is not so.
  */
  readonly synced: 'seen' | 'asserted' | 'no';
  /** The largest payload that it keeps. */
  readonly payloadBytes: number;
}

/** A journal that another process may be writing, as commands read it. */
export interface JournalArchive extends JournalReader, Disposable {
  /** Every fact so far that can be read. Calls `tell` with a sentence about each part that cannot. */
  readable(tell: (problem: string) => void): AsyncIterable<Recorded>;
  /** The work that is not over, dead letters too, in the order in which it was accepted. Absent where it cannot be read. */
  work?(): AsyncIterable<WorkState>;
  /** The idempotency keys whose time is not over. Absent where they cannot be read. */
  keys?(): AsyncIterable<UsedKey>;
}

/** What a journal holds, and everything that is wrong with it, one sentence each. */
export interface Verdict {
  readonly facts: number;
  readonly first: Position;
  readonly last: Position;
  readonly payloads: number;
  readonly problems: readonly string[];
}

/** Why a journal was not opened: another process holds it, it is not what was written, its servers are not there now, or it cannot be written. */
export class JournalRefused extends Error {
  static {
    JournalRefused.prototype.name = 'JournalRefused';
  }
  readonly reason: 'held' | 'damaged' | 'away' | 'unwritable';

  constructor(reason: JournalRefused['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

/** The servers are not there now, and may be later. */
export const isAway = (error: unknown): error is JournalRefused => error instanceof JournalRefused && error.reason === 'away';
