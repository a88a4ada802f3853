import {Refusal} from '../../route.ts';
import type {WorkQuery, WorkState, WorkStatus, WorkStore} from '../../work.ts';

const all: readonly WorkStatus[] = ['waiting', 'behind', 'running', 'dead'];

/** Work of any of these statuses, or of all, the oldest first. The engine is asked once for each. */
export async function listWork(
  store: Pick<WorkStore, 'list'>,
  statuses: readonly WorkStatus[] | undefined,
  query: Omit<WorkQuery, 'status'>,
): Promise<readonly WorkState[]> {
  if (!statuses) return store.list(query);
  const lists = await Promise.all(statuses.map(status => store.list({...query, status})));
  // Between two answers an item may have gone from one status to the next.
  const items = new Map(lists.flat().map(item => [item.id, item]));
  return [...items.values()].toSorted((one, other) => (one.id < other.id ? -1 : 1)).slice(0, query.limit);
}

/** @param given as in `waiting,running` @returns undefined for every status @throws Refusal BAD_REQUEST */
export function parseStatuses(given: string | undefined): readonly WorkStatus[] | undefined {
  if (given === undefined) return undefined;
  const words = new Set(given.split(','));
  const statuses = all.filter(each => words.has(each));
  if (statuses.length < words.size)
    throw new Refusal('BAD_REQUEST', `status: expected one or more of ${all.join(', ')}, with commas between them`);
  return statuses;
}
