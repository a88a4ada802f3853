import {statSync} from 'node:fs';
import {DatabaseSync} from 'node:sqlite';
import {pathToFileURL} from 'node:url';
import {JournalDamaged} from '../../journal.ts';
import {problemOfEnd} from './end.ts';
import {requireRoomToRead} from './log-index.ts';
import {readMark} from './mark.ts';
import {checkFormat} from './schema.ts';

/**
Opens a journal to read all of it, whoever writes it meanwhile.

@throws JournalDamaged when less is there than was written, or something else; Error when it cannot be opened
*/
export function openWhole(file: string): DatabaseSync {
  const mark = readMark(`${file}.mark`); // before what it speaks of: that only grows
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

/** Opens what there is, whether its end is lost or not. */
export function openReading(file: string): DatabaseSync {
  try {
    requireRoomToRead(file);
    return openAt(file);
  } catch (error) {
    if (!isUnwritable(error)) throw error;
    // Reading beside a writer takes files of its own. Where these cannot be made, nobody may be writing either.
    if ((statSync(`${file}-wal`, {throwIfNoEntry: false})?.size ?? 0) > 0) {
      throw new Error(
        'its folder cannot be written, and its write-ahead log has facts: copy all its files where they can be, and read them there',
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
