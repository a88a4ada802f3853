import type {DatabaseSync} from 'node:sqlite';
import {isLast} from '../facts.ts';
import type {Position} from '../journal.ts';
import type {Retention} from './sqlite-messages.ts';
import {lineHead, type Pack, readPack, readStream, textOf} from './sqlite-pack.ts';
import {pragma} from './sqlite-schema.ts';

/** Rows removed at a time: a delete must not hold up the commit behind it. */
const packsAtOnce = 32;
const payloadsAtOnce = 64;

export interface Swept {
  readonly packs: number;
  readonly payloads: number;
  /** Where to look on: packs up to here stay for now; undefined when there is nothing more to remove. */
  readonly next: Position | undefined;
}

/**
Removes what is past its time: payloads first, then whole packs, oldest first; without regard to time while the database
is larger than it may be. A pack stays while a fact in it must: the newest of a schedule, or one of a written-ahead
invocation that is not over for long enough. So does the newest pack, whatever its age: positions go on from it.
*/
export function sweep(db: DatabaseSync, {factsMs, payloadsMs, maxBytes}: Retention, now: number, after: Position): Swept {
  const isFull = usedBytes(db) > maxBytes;
  db.exec('BEGIN IMMEDIATE');
  try {
    const payloads = shred(db, isFull ? Number.POSITIVE_INFINITY : now - payloadsMs);
    if (isFull && payloads > 0) return {packs: 0, payloads, next: after};
    const {removed, seen} = prune(db, isFull ? Number.POSITIVE_INFINITY : now - factsMs, now - factsMs, after);
    return {packs: removed, payloads, next: seen ?? (payloads === payloadsAtOnce ? after : undefined)};
  } finally {
    db.exec('COMMIT');
  }
}

function shred(db: DatabaseSync, before: number): number {
  const removed = db.prepare('DELETE FROM payload WHERE id IN (SELECT id FROM payload WHERE at < ? ORDER BY at LIMIT ?)');
  return Number(removed.run(before, payloadsAtOnce).changes);
}

/**
@param overBefore an invocation that was over before may go
@returns how many were removed, and the newest that was looked at
*/
function prune(db: DatabaseSync, before: number, overBefore: number, after: Position): {removed: number; seen: Position | undefined} {
  const due = db
    .prepare('SELECT * FROM pack WHERE at < ? AND last > ? AND last < (SELECT max(last) FROM pack) ORDER BY last LIMIT ?')
    .all(before, after, packsAtOnce) as unknown as Pack[]; // the table's columns
  const pinned = newestOfSchedules(db);
  let removed = 0;
  for (const pack of due) {
    const streams = listedStreams(db, pack);
    if (pinned.has(pack.last) || streams.some(stream => isHeld(db, stream, overBefore))) continue;
    db.prepare('DELETE FROM pack WHERE last = ?').run(pack.last);
    for (const stream of streams) db.prepare('DELETE FROM stream WHERE name = ? AND last = ?').run(stream, pack.last);
    db.prepare("INSERT INTO meta VALUES('pruned', ?) ON CONFLICT DO UPDATE SET value = max(value, excluded.value)").run(pack.last);
    removed++;
  }
  return {removed, seen: due.at(-1)?.last};
}

function listedStreams(db: DatabaseSync, pack: Pack): string[] {
  const names = new Set([...readPack(pack)].map(({stream}) => stream));
  const listed = db.prepare('SELECT 1 FROM stream WHERE name = ? AND last = ?');
  return [...names].filter(name => listed.get(name, pack.last));
}

/** Packs with the newest fact of a schedule: it tells from when on occurrences may have been missed. */
function newestOfSchedules(db: DatabaseSync): Set<Position> {
  const newest = new Map<string, {revision: number; last: number}>();
  const names = db.prepare("SELECT name, last, revision FROM stream WHERE name >= 'schedule.' AND name < 'schedule/'");
  for (const {name, last, revision} of names.iterate()) {
    const schedule = String(name).replace(/\.\d{4}-\d\d-\d\dT[^/]*$/, ''); // without the occurrence
    if (Number(revision) > (newest.get(schedule)?.revision ?? 0)) newest.set(schedule, {revision: Number(revision), last: Number(last)});
  }
  return new Set([...newest.values()].map(({last}) => last));
}

/** An invocation that was written ahead and may have to run again, or was over only lately. */
function isHeld(db: DatabaseSync, stream: string, overBefore: number): boolean {
  if (!stream.startsWith('invocation.')) return false;
  const newest = db.prepare('SELECT * FROM pack WHERE last = (SELECT max(last) FROM stream WHERE name = ?)').get(stream);
  if (!newest) return false;
  const pack = newest as unknown as Pack; // the table's columns
  const last = [...readStream(pack, lineHead(stream), textOf(pack))].at(-1);
  return last === undefined || !isLast(last.fact.type) || last.at >= overBefore;
}

/** Without what was freed. */
function usedBytes(db: DatabaseSync): number {
  return (Number(pragma(db, 'page_count')) - Number(pragma(db, 'freelist_count'))) * Number(pragma(db, 'page_size'));
}
