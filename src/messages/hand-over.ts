import {isLast} from '../facts.ts';
import {type JournalReader, RevisionConflict} from '../journal.ts';
import type {EnqueueOptions, WorkItem, WorkStore} from '../work.ts';

/**
`taken`: work has it from now on. `again`: work had it, or it is over. `full`: work has no room. `tried`: its trigger has called with it
without success, as when its entry said `settled` then; work knows nothing of it.
*/
export type HandedOver = 'taken' | 'again' | 'full' | 'tried';

/** Hands a message to work. */
export async function handOver(
  {store, journal}: {readonly store: WorkStore; readonly journal: JournalReader},
  item: WorkItem,
  options: EnqueueOptions,
): Promise<HandedOver> {
  try {
    const {kind} = await store.enqueue(item, options);
    return kind === 'full' ? 'full' : 'taken';
  } catch (error) {
    if (!(error instanceof RevisionConflict)) throw error;
  }
  if (await store.find(item.id)) return 'again';
  const newest = await journal.last(`invocation.${item.id}`, {now: true, isAppended: true});
  return newest && !isLast(newest.fact.type) ? 'tried' : 'again';
}
