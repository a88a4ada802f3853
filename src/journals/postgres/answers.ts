import {Fault} from '../../errors.ts';
import type {Receipt} from '../../journal.ts';
import type {Outcome} from './command.ts';

export const failed = (why: string) => new Fault('JOURNAL_FAILED', {cause: new Error(why), retryAfterS: 1});

export const receiptOf = ({position, isReplicated}: Extract<Outcome, {position: number}>): Receipt => ({
  position,
  durability: isReplicated ? 'replicated' : 'fsync',
});
