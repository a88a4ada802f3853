import {complain} from '../command/terminal.ts';
import type {Reporter} from './reporter.ts';

/** For programs: stdout has the log as JSON, which says all but these sentences. They go to stderr. */
export const jsonReporter: Reporter = {
  serving() {},
  reloaded(outcome) {
    if (outcome.kind === 'missing') complain(`${outcome.file} does not exist any more: the old code goes on serving`);
  },
  noted: complain,
};
