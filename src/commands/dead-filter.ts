import {ago, count, text} from '../command/arguments.ts';

/** Options that say which dead letters are meant. */
export const deadFilter = {
  since: ago('Only those that have become dead letters within this time.'),
  class: text('<class>', 'Only those whose last attempt failed so: error, timeout, crash, oom, lost, busy.'),
  status: count('<status>', 'Only those whose last reply had this status.'),
} as const;
