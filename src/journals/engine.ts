import type {Clock} from '../clock.ts';
import type {Journal} from '../journal.ts';
import type {Log} from '../log.ts';
import type {Meter} from '../meter.ts';

/** What an engine is lent. */
export interface JournalHouse {
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Pick<Meter, 'appended' | 'shed' | 'payloadsShed'>;
}

export interface OpenedJournal {
  readonly journal: Journal;
  /** Facts survive the process, now: not while they are in memory only, or the journal cannot be written. */
  readonly isDurable: boolean;
}
