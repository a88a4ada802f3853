import type {DatabaseSync} from 'node:sqlite';
import {JournalDamaged, type Position} from '../../journal.ts';
import type {Retention} from '../engine.ts';
import {hold} from './hold.ts';
import type {Pack} from './pack.ts';
import {raisePruned} from './schema.ts';
import {Passed, type Shredded, shred} from './shred.ts';
import {usedBytes} from './size.ts';

/** Rows that are removed at a time. They are few, as the next commit waits for them. */
const packsAtOnce = 32;
const keysAtOnce = 512;
/** Most bytes, roughly, that a step of a sweep writes to the write-ahead log, as does a step that gives pages back. */
export const stepBytes = 2 ** 23;

export interface Swept {
  readonly payloads: number;
  /** How many of them were removed before their time. */
  readonly early: number;
  /** Where the next step goes on, as packs up to here stay for now; undefined when nothing more is to be removed. */
  readonly next: Position | undefined;
  /** Packs that stay because they cannot be read. */
  readonly damaged: readonly Position[];
}

/** Where searches for payloads go on, from step to step: for those that are too old, and for any. */
export class Searches {
  readonly old = new Passed();
  readonly any = new Passed();
}

/**
Removes what is too old: payloads and the keys of work first, then whole packs, the oldest first. While the database is larger than it may be,
age does not matter. A pack stays while one of its facts must stay, and when it cannot be read. The newest pack always
stays, as positions go on from it. A payload of work that was written ahead stays until that work is over.

@param needed bytes that should find room afterwards
@throws Error of SQLite; then nothing was removed
*/
export function sweep(
  db: DatabaseSync,
  {factsMs, payloadsMs, maxBytes}: Retention,
  {now, after, needed = 0, searches}: {now: number; after: Position; needed?: number; searches: Searches},
): Swept {
  const tooMuch = usedBytes(db) + needed - maxBytes;
  const isFull = tooMuch > 0;
  db.exec('BEGIN IMMEDIATE');
  try {
    const due = shred(db, {before: now - payloadsMs, bytes: Number.POSITIVE_INFINITY, passed: searches.old});
    // Once packs are removed, the search for payloads is through.
    const early = isFull && after === 0 ? shred(db, {before: Number.POSITIVE_INFINITY, bytes: tooMuch, passed: searches.any}) : none;
    const counts = {payloads: due.removed + early.removed, early: early.removed};
    const isSearching = isFull && (counts.payloads > 0 || !early.isThrough);
    const pruned = isSearching ? {next: after, damaged: []} : prune(db, {before: now - factsMs, tooMuch, after});
    const isThrough = due.isAtEnd && forgetKeys(db, now) < keysAtOnce;
    db.exec('COMMIT');
    return {...counts, ...pruned, next: pruned.next ?? (isThrough ? undefined : after)};
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

/** Removes idempotency keys whose time is over, the oldest first. @returns how many */
function forgetKeys(db: DatabaseSync, now: number): number {
  const scopes = 'SELECT scope FROM work_key WHERE until <= ? ORDER BY until LIMIT ?';
  return Number(db.prepare(`DELETE FROM work_key WHERE scope IN (${scopes})`).run(now, keysAtOnce).changes);
}

const none: Shredded = {removed: 0, isAtEnd: true, isThrough: true};

interface Pruning {
  /** Packs from before this time may go, and so may invocations that were over before it. */
  readonly before: number;
  /** Bytes by which the database is too large: for these, newer packs must go, too. */
  readonly tooMuch: number;
  readonly after: Position;
}

function prune(db: DatabaseSync, {before, tooMuch, after}: Pruning): Omit<Swept, 'payloads' | 'early'> {
  const due = db
    .prepare('SELECT * FROM pack WHERE at < ? AND last > ? AND last < (SELECT max(last) FROM pack) ORDER BY last LIMIT ?')
    .all(tooMuch > 0 ? Number.POSITIVE_INFINITY : before, after, packsAtOnce) as unknown as Pack[]; // the table's columns
  const until = due.at(-1)?.last;
  if (until === undefined) return {next: until, damaged: []};
  const held = hold(db, before, until);
  const damaged: Position[] = [];
  let [freed, next] = [0, after];
  for (const pack of due) {
    if (pack.at >= before && freed >= tooMuch) break;
    next = pack.last;
    try {
      if (held.mustStay(pack)) continue;
    } catch (error) {
      if (!(error instanceof JournalDamaged)) throw error;
      damaged.push(pack.last);
      continue;
    }
    db.prepare('DELETE FROM stream WHERE last = ? AND name IN (SELECT value FROM json_each(?))').run(
      pack.last,
      JSON.stringify(held.streamsOf(pack)),
    );
    db.prepare('DELETE FROM pack WHERE last = ?').run(pack.last);
    db.prepare(raisePruned).run(pack.last);
    held.gone(pack);
    freed += pack.body.length;
  }
  return {next, damaged};
}
