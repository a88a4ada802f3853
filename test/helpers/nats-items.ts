import {type Item, readItem, type Stored, writeItem} from '../../src/journals/nats/work/item.ts';
import type {Standing} from '../../src/journals/nats/work/standing.ts';

/* Work as it is kept in NATS. */

/** As it is kept. */
export const stored = (id: string, some: Partial<Stored> = {}): Stored => ({
  id,
  acceptedAt: 0,
  due: 0,
  status: 'waiting',
  attempts: 0,
  deaths: 0,
  epoch: 0,
  ...some,
});

/** As it comes from the servers. */
export function item(id: string, sequence: number, some?: Partial<Stored>): Item {
  const read = readItem({body: writeItem(stored(id, some)), sequence});
  if (!read) throw new TypeError('Expected an item');
  return read;
}

export const due = (standing: Standing, now = 0) => [...standing.due(now)].map(({id}) => id);
