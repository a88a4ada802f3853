import type {DatabaseSync} from 'node:sqlite';
import {isLast} from '../../facts.ts';
import {JournalDamaged} from '../../journal.ts';
import {newestListed, workIn} from './hold.ts';

/** Rows that are removed at a time. They are few, as the next commit waits for them. */
const removedAtOnce = 64;
/** Rows that are looked at at a time: a million items may wait, each with payloads that must stay. */
const seenAtOnce = 1024;
/** Searches in a row for something to remove while the disk is full. */
const searchesAtOnce = 16;

/** Where a search for payloads goes on: those up to here stay for now. */
export class Passed {
  at = Number.MIN_SAFE_INTEGER;
  id = 0;
  /** True while nothing was removed since it began with the oldest payload. */
  isBarren = true;

  /** The next search begins with the oldest payload. */
  restart(): void {
    Object.assign(this, new Passed());
  }
}

export interface Shredded {
  readonly removed: number;
  /** True when it came to the newest payload. The next search begins with the oldest one. */
  readonly isAtEnd: boolean;
  /** True when no payload may go: it came from the oldest one to the newest one, and removed none. */
  readonly isThrough: boolean;
}

/**
Removes payloads from before a time, the oldest first, until as many bytes are free. A payload of work that is not over, or of
an invocation that was written ahead and is not over, stays.
*/
export function shred(db: DatabaseSync, {before, bytes, passed}: {before: number; bytes: number; passed: Passed}): Shredded {
  const old = db.prepare(
    'SELECT id, name, at, length(bytes) AS size FROM payload WHERE at < ? AND (at, id) > (?, ?) ORDER BY at, id LIMIT ?',
  );
  const isWork = workIn(db);
  const going: number[] = [];
  let [freed, seen] = [0, 0];
  for (const {id, name, at, size} of old.iterate(before, passed.at, passed.id, seenAtOnce)) {
    if (going.length === removedAtOnce || freed >= bytes) break;
    seen++;
    passed.at = Number(at);
    passed.id = Number(id);
    if (isAwaited(db, String(name), isWork)) continue;
    going.push(Number(id));
    freed += Number(size);
  }
  const remove = db.prepare('DELETE FROM payload WHERE id = ?');
  for (const id of going) remove.run(id);
  if (going.length > 0) passed.isBarren = false;
  const isAtEnd = seen < seenAtOnce && going.length < removedAtOnce && freed < bytes;
  const isThrough = isAtEnd && passed.isBarren;
  if (isAtEnd) passed.restart();
  return {removed: going.length, isAtEnd, isThrough};
}

/** Removes some of the oldest payloads, whatever their age. Many that stay may come before them. @returns how many */
export function shredOldest(db: DatabaseSync, passed: Passed): number {
  for (let search = 0; search < searchesAtOnce; search++) {
    const {removed, isThrough} = shred(db, {before: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY, passed});
    if (removed > 0 || isThrough) return removed;
  }
  return 0;
}

/** True when the payload belongs to work, dead letters too, or to an invocation that was written ahead and is not over: it may have to run again. */
function isAwaited(db: DatabaseSync, payload: string, isWork: (stream: string) => boolean): boolean {
  if (!payload.startsWith('invocation.')) return false;
  const stream = payload.slice(0, payload.lastIndexOf('/'));
  if (isWork(stream)) return true;
  try {
    const newest = newestListed(db, stream);
    return newest !== undefined && !isLast(newest.fact.type);
  } catch (error) {
    if (error instanceof JournalDamaged) return false; // nobody can know any more what it belonged to
    throw error;
  }
}
