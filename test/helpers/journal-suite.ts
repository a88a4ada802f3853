import {following} from './journal/following.ts';
import {reading} from './journal/reading.ts';
import {refusals} from './journal/refusals.ts';
import {type OpenJournal, type SuiteOptions, suiteOf} from './journal/suite.ts';

export {all, fact, numbers, type OpenJournal} from './journal/suite.ts';

/** What every engine does. Refusals first. */
export function journalSuite(title: string, open: OpenJournal, options?: SuiteOptions): void {
  const suite = suiteOf(title, open, options);
  refusals(suite);
  reading(suite);
  following(suite);
}
