import {randomUUID} from 'node:crypto';
import type {Name} from '../named.ts';
import {insist, type Patience} from './insist.ts';
import type {Reading} from './reading.ts';
import {Away} from './transport.ts';
import type {Entry, Writing} from './writing.ts';

export type Entries = readonly [Entry, ...Entry[]];

export interface CommitOptions {
  /** Says what is to be written, each time it is tried. */
  prepare(): Promise<Entries> | Entries;
  /** Called when the servers refuse it: throws if that is so as of now. */
  refused(entries: Entries): Promise<void>;
  /** `urgent`: one message, which goes before what waits for its turn. */
  readonly size: 'one' | 'several' | 'urgent';
}

/** How far before the newest message what was kept under a name is looked for, by the servers' clocks. */
const lookBackMs = 300_000;

/**
Writes messages, all or none, and believes no refusal without a proof. A leader that was deposed while it stood still answers
when it goes on: that a guard does not hold, for what the new leader has just kept. So the newest message is read as of now,
and what was written is looked for under its own name.

@returns the number of the last message
@throws what `refused` throws; Fault JOURNAL_BUSY: nothing was written; JOURNAL_FAILED when it may or may not have been kept
*/
export function commit({writing, reading, patience}: Commits, {prepare, refused, size}: CommitOptions): Promise<number> {
  const id = randomUUID();
  return size === 'urgent' ? insisting() : writing.turn(size === 'several', insisting);

  function insisting(): Promise<number> {
    return insist(patience, tryIt);
  }

  async function tryIt(): Promise<number> {
    const entries = await prepare();
    const written = await writing.write(id, entries);
    if (typeof written === 'object') return written.sequence;
    const found = await find(reading, id, entries);
    if (found !== undefined) return found;
    if (written === 'refused') await refused(entries);
    throw new Away('It was refused although nothing speaks against it');
  }
}

export interface Commits {
  readonly writing: Writing;
  readonly reading: Reading;
  readonly patience: Patience;
  /** Makes facts say which core writes them. */
  readonly named: Name;
}

/** The last message, if all of them were kept. */
async function find(reading: Reading, id: string, entries: Entries): Promise<number | undefined> {
  const {subject: of, guard} = entries.at(-1) ?? entries[0];
  const newest = await reading.lastNow(of);
  if (!newest) return undefined;
  const where = guard === undefined ? {from: 1, since: newest.storedAt - lookBackMs} : {from: guard + 1};
  let found: number | undefined;
  for await (const {appendId, sequence} of reading.walk({of, ...where, until: newest})) if (appendId === id) found = sequence;
  return found;
}
