import type {DatabaseSync} from 'node:sqlite';
import {pragma} from './schema.ts';

/** Pages that are moved at a time. It is a small number, as the next commit waits for them. */
const pagesAtOnce = 1024;
/** Free pages that may stay in the file, to be used again: this many, or a sixteenth of all. */
const freePages = 64;
/** A file of an older core must be written anew before it can give pages back. That is done while it is this small. */
const mostRewritten = 15 * 2 ** 20; // more would make the index of the write-ahead log longer

/** Size of the database without its free pages. */
export function usedBytes(db: DatabaseSync): number {
  return (count(db, 'page_count') - count(db, 'freelist_count')) * count(db, 'page_size');
}

/** Gives some of what is free in the file back to the disk. @returns whether there is more */
export function vacuum(db: DatabaseSync): boolean {
  const [all, free] = [count(db, 'page_count'), count(db, 'freelist_count')];
  return free > Math.max(freePages, all / 16) && giveSome(db);
}

/** Gives back pages, however few are free. @returns whether there is more */
export function giveSome(db: DatabaseSync): boolean {
  const free = count(db, 'freelist_count');
  if (free === 0) return false;
  db.exec(`PRAGMA incremental_vacuum(${pagesAtOnce})`);
  return count(db, 'freelist_count') < free;
}

/** Lets a file of an older core give pages back. */
export function shrinkOld(db: DatabaseSync): void {
  if (count(db, 'auto_vacuum') === 2 || usedBytes(db) > mostRewritten) return;
  try {
    db.exec('PRAGMA auto_vacuum = 2; VACUUM');
  } catch {
    // The disk has no room for it, or there is a reader. The next start tries again.
  }
}

const count = (db: DatabaseSync, name: string) => Number(pragma(db, name));
