import type {DatabaseSync} from 'node:sqlite';
import {isLast} from '../../facts.ts';
import {JournalDamaged, type Position} from '../../journal.ts';
import type {Retention} from '../engine.ts';
import {hold, newestListed} from './hold.ts';
import type {Pack} from './pack.ts';
import {raisePruned} from './schema.ts';
import {usedBytes} from './size.ts';

/** Rows that are removed at a time. They are few, as the next commit waits for them. */
const packsAtOnce = 32;
const payloadsAtOnce = 64;
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

/**
Removes what is too old: payloads first, then whole packs, the oldest first. While the database is larger than it may be,
age does not matter. A pack stays while one of its facts must stay, and when it cannot be read. The newest pack always
stays, as positions go on from it. A payload of work that was written ahead stays until that work is over.

@param needed bytes that should find room afterwards
@throws Error of SQLite; then nothing was removed
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

/** Removes payloads from before a time, the oldest first, until as many bytes are free. @returns how many */
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

/** True when the payload belongs to an invocation that was written ahead and is not over: it may have to run again. */
function isAwaited(db: DatabaseSync, payload: string): boolean {
  if (!payload.startsWith('invocation.')) return false;
  const stream = payload.slice(0, payload.lastIndexOf('/'));
  try {
    const newest = newestListed(db, stream);
    return newest !== undefined && !isLast(newest.fact.type);
  } catch (error) {
    if (error instanceof JournalDamaged) return false; // nobody can know any more what it belonged to
    throw error;
  }
}

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
