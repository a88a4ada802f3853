import {statSync} from 'node:fs';
import {DatabaseSync} from 'node:sqlite';
import {pathToFileURL} from 'node:url';
import {JournalDamaged} from '../../journal.ts';
import {problemOfEnd} from './end.ts';
import {requireRoomToRead} from './log-index.ts';
import {readMark} from './mark.ts';
import {checkFormat} from './schema.ts';

/**
Opens a journal to read all of it, also while it is written.

@throws JournalDamaged when it holds less than was written, or something else; Error when it cannot be opened
*/
export function openWhole(file: string): DatabaseSync {
  const mark = readMark(`${file}.mark`); // before the database, which only grows meanwhile
  const db = openReading(file);
  try {
    const problem = problemOfEnd(mark, db);
    if (problem !== undefined) throw new JournalDamaged(problem);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Opens a journal to read what it holds, even if its end is lost. */
export function openReading(file: string): DatabaseSync {
  try {
    requireRoomToRead(file);
    return openAt(file);
  } catch (error) {
    if (!isUnwritable(error)) throw error;
    // Beside a writer, a reader needs files of its own. If it cannot make them, it can read only while nobody writes.
    if ((statSync(`${file}-wal`, {throwIfNoEntry: false})?.size ?? 0) > 0) {
      throw new Error(
        'its folder cannot be written, and its write-ahead log has facts: copy all its files to another folder, and read them there',
      );
    }
    return openAt(Object.assign(pathToFileURL(file), {search: '?immutable=1'}));
  }
}

function openAt(file: string | URL): DatabaseSync {
  const db = new DatabaseSync(file, {readOnly: true});
  try {
    db.exec('PRAGMA busy_timeout = 1000');
    checkFormat(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** SQLITE_READONLY and SQLITE_CANTOPEN. */
function isUnwritable(error: unknown): boolean {
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0;
  return code === 8 || code === 14;
}
