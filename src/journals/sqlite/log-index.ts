import {closeSync, openSync, rmSync, statSync, writeSync} from 'node:fs';
import {DatabaseSync} from 'node:sqlite';
import {isFull} from './errors.ts';
import {modeLike} from './file.ts';
import {logBytes} from './log.ts';
import {freeBytes} from './reserve.ts';

/*
The index of the write-ahead log is memory that all connections share through the file `<path>-shm`. SQLite makes it
longer by one byte in each 4 KiB, and the system finds room for the rest of them when that memory is first written to.
Where blocks are smaller, as on a small ext4, and the disk has none left by then, there is no error to catch: the system
ends the process by SIGBUS.
*/

/** The index has so many bytes for so many of the log: 4062 frames of a page and its head. */
const partBytes = 2 ** 15;
const partOfLogBytes = 4062 * 4120;
/** A writer writes so much to the log, and to the folder, before it has written all of the index. */
const besideBytes = 2 ** 15;
/** What a commit changes beside what it adds, and what a file system keeps for itself. */
const slackBytes = 2 ** 20;

/** Called before a connection that writes is opened. @throws Error of the system when the disk has no room for the index */
export function requireRoomToWrite(path: string): void {
  requireRoom(path, neededBytes(path) + besideBytes);
}

/**
Called before a connection that reads is opened: where nobody has the files open, it makes the index.

@throws Error of the system when the disk has no room for it
*/
export function requireRoomToRead(path: string): void {
  const needed = neededBytes(path);
  // What it has on the disk it keeps, or gets again.
  if ((statSync(`${path}-shm`, {throwIfNoEntry: false})?.blocks ?? 0) * 512 < needed) requireRoom(path, needed);
}

/**
Whether so many bytes can be written to the log. Most need no longer index; one that needs it must leave room for it on the
disk: the log is written first, and takes room from the same disk.
*/
export function hasRoomToGrow(path: string, bytes: number): boolean {
  const log = logBytes(path) + bytes + slackBytes;
  if (log < partOfLogBytes) return true; // the first part was made when the journal was opened
  const index = statSync(`${path}-shm`, {throwIfNoEntry: false})?.size ?? 0;
  return index >= partBytesOf(log) || freeBytes(path) >= bytes + 2 * slackBytes;
}

/**
Keeps an index that was written to, while the connection that writes is closed and opened again: it is not made anew on a
disk that has filled up, as what it has there is not given back.
*/
export class HeldIndex {
  #db: DatabaseSync | undefined;

  /** In the place of the one that is held. */
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

/** Takes the room and gives it back: what a file system says is free, it may keep for itself. */
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
    if (isFull(error)) throw error; // else this user may write no file here: whether SQLite can, it says itself
  }
}
