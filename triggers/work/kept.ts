import type {JournalReader} from '../../src/journal.ts';
import type {Claimed} from '../../src/work.ts';
import type {Outcome} from './attempt.ts';

/**
Whether the end of an attempt is kept although the journal reported that it had failed: nobody knows what a disk has written
that refused to sync. Then the claim is outdated by its own end, and not by another core.
*/
export async function wasKept(
  journal: Pick<JournalReader, 'read'>,
  {id, epoch}: Pick<Claimed, 'id' | 'epoch'>,
  outcome: Outcome,
): Promise<boolean> {
  const facts = (await Array.fromAsync(journal.read(`invocation.${id}`))).map(({fact}) => fact);
  const began = facts.findIndex(fact => fact.type === 'attempt.started' && fact.data.epoch === epoch);
  const since = began < 0 ? facts.slice(-1) : facts.slice(began + 1); // an item that may not run has no attempt
  if (since.some(fact => fact.type === 'attempt.failed' && fact.data.class === 'lost')) return false;
  return since.find(({type}) => type !== 'attempt.failed')?.type === ('retry' in outcome ? 'retry.scheduled' : 'invocation.settled');
}
