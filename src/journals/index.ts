import type {Clock} from '../clock.ts';
import type {Journal} from '../journal.ts';
import {MemoryJournal} from './memory.ts';

/** The engines by the scheme of CORE_JOURNAL. */
const engines = {
  'memory:': (clock: Clock): Journal => new MemoryJournal(clock),
};

export type JournalLocation = keyof typeof engines;

export function openJournal(location: JournalLocation, clock: Clock): Journal {
  return engines[location](clock);
}
