import type {DatabaseSync} from 'node:sqlite';
import {JournalDamaged, type Position} from '../journal.ts';
import {hold} from './sqlite-hold.ts';
import type {Retention} from './sqlite-messages.ts';
import type {Pack} from './sqlite-pack.ts';
import {pragma, raisePruned} from './sqlite-schema.ts';

/** Rows removed at a time: a delete must not hold up the commit behind it. */
const packsAtOnce = 32;
const payloadsAtOnce = 64;

export interface Swept {
  readonly packs: number;
  readonly payloads: number;
  /** Where to look on: packs up to here stay for now; undefined when there is nothing more to remove. */
  readonly next: Position | undefined;
  /** Packs that stay as they cannot be read. */
  readonly damaged: readonly Position[];
}

/**
Removes what is past its time: payloads first, then whole packs, oldest first; without regard to time while the database
is larger than it may be. A pack stays while a fact in it must, and when it cannot be read. So does the newest pack,
whatever its age: positions go on from it.

@throws whatever SQLite says; then nothing was removed
*/
export function sweep(db: DatabaseSync, {factsMs, payloadsMs, maxBytes}: Retention, now: number, after: Position): Swept {
  const isFull = usedBytes(db) > maxBytes;
  db.exec('BEGIN IMMEDIATE');
  try {
    const payloads = shred(db, isFull ? Number.POSITIVE_INFINITY : now - payloadsMs);
    const swept =
      isFull && payloads > 0
        ? {packs: 0, payloads, next: after, damaged: []}
        : {payloads, ...prune(db, isFull ? Number.POSITIVE_INFINITY : now - factsMs, now - factsMs, after)};
    db.exec('COMMIT');
    return {...swept, next: swept.next ?? (payloads === payloadsAtOnce ? after : undefined)};
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

function shred(db: DatabaseSync, before: number): number {
  const removed = db.prepare('DELETE FROM payload WHERE id IN (SELECT id FROM payload WHERE at < ? ORDER BY at LIMIT ?)');
  return Number(removed.run(before, payloadsAtOnce).changes);
}

/** @param overBefore an invocation that was over before may go */
function prune(db: DatabaseSync, before: number, overBefore: number, after: Position): Omit<Swept, 'payloads'> {
  const due = db
    .prepare('SELECT * FROM pack WHERE at < ? AND last > ? AND last < (SELECT max(last) FROM pack) ORDER BY last LIMIT ?')
    .all(before, after, packsAtOnce) as unknown as Pack[]; // the table's columns
  const next = due.at(-1)?.last;
  if (next === undefined) return {packs: 0, next, damaged: []};
  const held = hold(db, overBefore, next);
  const damaged: Position[] = [];
  let packs = 0;
  for (const pack of due) {
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
    packs++;
  }
  return {packs, next, damaged};
}

/** Without what was freed. */
function usedBytes(db: DatabaseSync): number {
  return (Number(pragma(db, 'page_count')) - Number(pragma(db, 'freelist_count'))) * Number(pragma(db, 'page_size'));
}
