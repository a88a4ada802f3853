import {statSync} from 'node:fs';
import {DatabaseSync} from 'node:sqlite';
import {pathToFileURL} from 'node:url';
import {JournalDamaged} from '../../journal.ts';
import {type Mark, readMark} from './mark.ts';
import {checkFormat} from './schema.ts';
import {requireRoomToRead} from './shm.ts';

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

/** What a mark that was read before says of the database; undefined: it is whole. */
export function problemOfEnd(mark: Mark | 'unreadable' | undefined, db: DatabaseSync): string | undefined {
  if (mark === undefined) return undefined;
  if (mark === 'unreadable') return 'The mark of the journal cannot be read';
  const position = Number(db.prepare('SELECT max(last) AS position FROM pack').get()?.position ?? 0);
  if (position < mark.position) return `The journal ends at fact ${position}, but ${mark.position} were kept: its end is lost`;
  const marked = db.prepare('SELECT checksum FROM pack WHERE last = ?').get(mark.position);
  return marked && marked.checksum !== mark.checksum ? `The facts up to ${mark.position} were replaced` : undefined;
}

/** SQLITE_READONLY and SQLITE_CANTOPEN. */
function isUnwritable(error: unknown): boolean {
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0;
  return code === 8 || code === 14;
}
