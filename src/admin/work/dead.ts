import type {WorkState, WorkStore} from '../../work.ts';

/** Which dead letters are meant. All of them by default. */
export interface DeadFilter {
  /** Status of the last reply. */
  readonly status?: number | undefined;
  /** Class of the last failure. */
  readonly class?: string | undefined;
  /** Wall time since which they are dead letters. */
  readonly since?: number | undefined;
  /** How their ids begin. */
  readonly id?: string | undefined;
}

export interface DeadPage {
  readonly items: readonly WorkState[];
  /** The `after` of the next page; undefined when there is none. */
  readonly next: string | undefined;
}

/** Items that are read from the engine at once. */
const atOnce = 500;
/** Dead letters that are looked at for one page: past that it ends, and says where to go on. */
const mostLooked = 10_000;

/** The dead letters that a filter means, in the order of their ids, which is that of time. */
export async function pageDead(store: WorkStore, filter: DeadFilter, after: string | undefined, limit: number): Promise<DeadPage> {
  const items: WorkState[] = [];
  let last = after;
  for (let looked = 0; looked < mostLooked; ) {
    const asked = Math.min(atOnce, mostLooked - looked);
    const page = await store.list({status: 'dead', after: last, limit: asked});
    for (const item of page) {
      if (!fits(item, filter)) {
        last = item.id;
        continue;
      }
      if (items.length === limit) return {items, next: last};
      items.push(item);
      last = item.id;
    }
    looked += page.length;
    if (page.length < asked) return {items, next: undefined};
  }
  return {items, next: last};
}

export function fits({id, deadAt = 0, reason}: WorkState, filter: DeadFilter): boolean {
  return (
    (filter.status === undefined || reason?.status === filter.status) &&
    (filter.class === undefined || reason?.class === filter.class) &&
    (filter.since === undefined || deadAt >= filter.since) &&
    (filter.id === undefined || id.startsWith(filter.id))
  );
}
