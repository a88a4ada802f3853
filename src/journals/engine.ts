import type {Clock} from '../clock.ts';
import type {Durability, Journal, JournalReader, Position, Recorded} from '../journal.ts';
import type {Log} from '../log.ts';
import type {Meter} from '../meter.ts';

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
  /** What the receipt of an append promises. */
  readonly durability: Durability;
  /** How long a claim by another core counts as being worked on; 0 when only one core at a time can write a journal. */
  readonly leaseMs: number;
  /** The place that the text after the scheme names, as messages show it; undefined when it names none. */
  placeOf(text: string): string | undefined;
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

/** What an engine needs from the core. */
export interface JournalHouse {
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Pick<Meter, 'appended' | 'shed' | 'payloadsShed'>;
  /** How much the engine may hold in memory; by default what it may where memory is ample. */
  readonly memoryBytes?: number;
}

export interface OpenedJournal {
  readonly journal: Journal;
  /** Facts outlive the process now. False while they are in memory only, or cannot be written. */
  readonly isDurable: boolean;
}

/** A journal that another process may be writing, as commands read it. */
export interface JournalArchive extends JournalReader, Disposable {
  /** Every fact so far that can be read. Calls `tell` with a sentence about each part that cannot. */
  readable(tell: (problem: string) => void): AsyncIterable<Recorded>;
}

/** What a journal holds, and everything that is wrong with it, one sentence each. */
export interface Verdict {
  readonly facts: number;
  readonly first: Position;
  readonly last: Position;
  readonly payloads: number;
  readonly problems: readonly string[];
}

/** Why a journal was not opened: another process holds it, it is not what was written, or it cannot be written. */
export class JournalRefused extends Error {
  static {
    JournalRefused.prototype.name = 'JournalRefused';
  }
  readonly reason: 'held' | 'damaged' | 'unwritable';

  constructor(reason: JournalRefused['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}
