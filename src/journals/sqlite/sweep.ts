import type {DatabaseSync} from 'node:sqlite';
import {isLast} from '../../facts.ts';
import {JournalDamaged, type Position} from '../../journal.ts';
import type {Retention} from '../engine.ts';
import {hold, newestListed} from './hold.ts';
import type {Pack} from './pack.ts';
import {raisePruned} from './schema.ts';
import {usedBytes} from './size.ts';

/** Rows removed at a time: a delete must not hold up the commit behind it. */
const packsAtOnce = 32;
const payloadsAtOnce = 64;
/** A step writes about so much to the write-ahead log at most, and so does one that gives pages back. */
export const stepBytes = 2 ** 23;

export interface Swept {
  readonly payloads: number;
  /** Of these before their time. */
  readonly early: number;
  /** Where to look on: packs up to here stay for now; undefined when there is nothing more to remove. */
  readonly next: Position | undefined;
  /** Packs that stay as they cannot be read. */
  readonly damaged: readonly Position[];
}

/**
Removes what is past its time: payloads first, then whole packs, oldest first; without regard to time while the database
is larger than it may be. A pack stays while a fact in it must, and when it cannot be read. So does the newest pack,
whatever its age: positions go on from it. A payload of what was written ahead stays until that is over.

@param needed bytes that there should be room for
@throws whatever SQLite says; then nothing was removed
*/
export function sweep(db: DatabaseSync, {factsMs, payloadsMs, maxBytes}: Retention, now: number, after: Position, needed = 0): Swept {
  const tooMuch = usedBytes(db) + needed - maxBytes;
  const isFull = tooMuch > 0;
  db.exec('BEGIN IMMEDIATE');
  try {
    const due = shred(db, now - payloadsMs, Number.POSITIVE_INFINITY);
    const early = isFull ? shred(db, Number.POSITIVE_INFINITY, tooMuch) : 0;
    const payloads = due + early;
    const swept =
      isFull && payloads > 0
        ? {payloads, early, next: after, damaged: []}
        : {payloads, early, ...prune(db, {before: now - factsMs, tooMuch, after})};
    db.exec('COMMIT');
    return {...swept, next: swept.next ?? (due === payloadsAtOnce ? after : undefined)};
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

/** Payloads that were kept before that time, oldest first, until as many bytes are free. @returns how many */
export function shred(db: DatabaseSync, before: number, bytes: number): number {
  const old = db.prepare('SELECT id, name, length(bytes) AS size FROM payload WHERE at < ? ORDER BY at');
  const going: number[] = [];
  let freed = 0;
  for (const {id, name, size} of old.iterate(before)) {
    if (going.length === payloadsAtOnce || freed >= bytes) break;
    if (isAwaited(db, String(name))) continue;
    going.push(Number(id));
    freed += Number(size);
  }
  const remove = db.prepare('DELETE FROM payload WHERE id = ?');
  for (const id of going) remove.run(id);
  return going.length;
}

/** It belongs to an invocation that was written ahead and is not over: that may have to run again. */
function isAwaited(db: DatabaseSync, payload: string): boolean {
  if (!payload.startsWith('invocation.')) return false;
  const stream = payload.slice(0, payload.lastIndexOf('/'));
  try {
    const newest = newestListed(db, stream);
    return newest !== undefined && !isLast(newest.fact.type);
  } catch (error) {
    if (error instanceof JournalDamaged) return false; // nobody can tell any more what it belonged to
    throw error;
  }
}

interface Pruning {
  /** Older packs, and invocations that were over before, may go. */
  readonly before: number;
  /** Bytes for which younger packs have to go, too. */
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
