import {isLast} from '../facts.ts';
import type {Journal, Recorded} from '../journal.ts';
import {keepsWork, type UsedKey, type WorkState} from '../work.ts';

export interface TakenOver {
  taken: number;
  /** They are here, or are over here. */
  known: number;
  /** The facts of their invocations are not here, or this journal keeps no work. */
  leftOut: number;
}

/** Takes over items of work from another journal, in their order. Their facts were imported before. */
export async function takeOverWork(journal: Journal, states: readonly WorkState[], counts: TakenOver): Promise<void> {
  const newest = await Promise.all(states.map(({id}) => journal.last(`invocation.${id}`)));
  await Promise.all(
    states.map(async (state, index) => {
      counts[await takeOver(journal, state, newest[index])]++;
    }),
  );
}

/** Takes over a key of another journal, while its time is not over. Its invocation was imported before. */
export async function takeOverKey(journal: Journal, key: UsedKey, now: number): Promise<keyof TakenOver> {
  if (key.until <= now) return 'known';
  if (!keepsWork(journal) || !journal.work.restoreKey || !(await journal.last(`invocation.${key.id}`))) return 'leftOut';
  return (await journal.work.restoreKey(key)) ? 'taken' : 'known';
}

async function takeOver(journal: Journal, state: WorkState, newest: Recorded | undefined): Promise<keyof TakenOver> {
  if (!newest || !keepsWork(journal) || !journal.work.restore) return 'leftOut';
  const {fact} = newest;
  const isOver = isLast(fact.type) && !(fact.type === 'invocation.settled' && fact.data.outcome === 'dead-lettered');
  if (isOver && !state.isCallback) return 'known'; // it was taken over before, and has ended
  return (await journal.work.restore(state)) ? 'taken' : 'known';
}
