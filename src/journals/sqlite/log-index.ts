import {closeSync, openSync, rmSync, statSync, writeSync} from 'node:fs';
import {DatabaseSync} from 'node:sqlite';
import {isFull} from './errors.ts';
import {modeLike} from './file.ts';
import {logBytes} from './log.ts';
import {freeBytes} from './reserve.ts';

/*
The index of the write-ahead log is memory that all connections share through the file `<path>-shm`. To make it longer,
SQLite writes one byte into each 4 KiB; the system finds room for the rest when that memory is first written. Where blocks
are smaller, as on a small ext4, and the disk has none left by then, no error can be caught: the system ends the process
by SIGBUS.
*/

/** The index grows by this many bytes for 4062 frames of the log, each a page and its head. */
const partBytes = 2 ** 15;
const partOfLogBytes = 4062 * 4120;
/** Bytes that a writer adds to the log and the folder before it has written all of the index. */
const besideBytes = 2 ** 15;
/** Room for pages that a commit changes beside what it adds, and for bytes that a file system keeps back. */
const slackBytes = 2 ** 20;

/** Called before a connection that writes is opened. @throws Error of the system when the disk has no room for the index */
export function requireRoomToWrite(path: string): void {
  requireRoom(path, neededBytes(path) + besideBytes);
}

/**
Called before a connection that reads is opened: it makes the index if nothing else has the files open.

@throws Error of the system when the disk has no room for it
*/
export function requireRoomToRead(path: string): void {
  const needed = neededBytes(path);
  // An index that has its blocks on the disk keeps them.
  if ((statSync(`${path}-shm`, {throwIfNoEntry: false})?.blocks ?? 0) * 512 < needed) requireRoom(path, needed);
}

/**
Whether these bytes can be added to the log. Most additions do not make the index longer. When one does, the disk must have
room for both, as the log is written first.
*/
export function hasRoomToGrow(path: string, bytes: number): boolean {
  const log = logBytes(path) + bytes + slackBytes;
  if (log < partOfLogBytes) return true; // the first part was made when the journal was opened
  const index = statSync(`${path}-shm`, {throwIfNoEntry: false})?.size ?? 0;
  return index >= partBytesOf(log) || freeBytes(path) >= bytes + 2 * slackBytes;
}

/**
Keeps the index open while the connection that writes is closed and opened again. So its blocks stay on the disk, and it
need not be made anew on a disk that has filled up.
*/
export class HeldIndex {
  #db: DatabaseSync | undefined;

  /** Holds the index of this path now, and lets go of the one before. */
  hold(path: string): void {
    const db = new DatabaseSync(path, {readOnly: true});
    try {
      db.exec('SELECT count(*) FROM meta'); // SQLite opens the index with the first read
    } catch (error) {
      db.close();
      throw error;
    }
    this.letGo();
    this.#db = db;
  }

  letGo(): void {
    this.#db?.close();
    this.#db = undefined;
  }
}

const neededBytes = (path: string) => partBytesOf(logBytes(path) + 1);

const partBytesOf = (log: number) => partBytes * Math.ceil(log / partOfLogBytes);

/** Takes the room and gives it back, to be sure: a file system may keep back bytes that it calls free. */
function requireRoom(path: string, bytes: number): void {
  const probe = `${path}.probe`;
  try {
    const file = openSync(probe, 'w', modeLike(path));
    try {
      for (let written = 0; written < bytes; ) written += writeSync(file, Buffer.alloc(bytes - written, 1));
    } finally {
      closeSync(file);
      rmSync(probe, {force: true});
    }
  } catch (error) {
    if (isFull(error)) throw error; // else this user may not make a file here, and SQLite itself says whether it can
  }
}
