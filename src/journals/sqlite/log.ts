import {readFileSync, statSync} from 'node:fs';
import type {DatabaseSync} from 'node:sqlite';

/** The bytes that SQLite's readers lock in the index of the write-ahead log: WAL_READ_LOCK(0) to (4). */
const readerLocks = {first: 123, last: 127};

/**
Writes the log into the database and empties it.

@returns false when a reader holds it
*/
export function emptyLog(db: DatabaseSync): boolean {
  db.exec('PRAGMA busy_timeout = 0'); // without a wait for readers
  try {
    return db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.busy === 0;
  } finally {
    db.exec('PRAGMA busy_timeout = 1000');
  }
}

export function logBytes(file: string): number {
  return statSync(`${file}-wal`, {throwIfNoEntry: false})?.size ?? 0;
}

/** The processes that are reading a journal, as far as this one can see them: `4711 (sqlite3)`. Linux only. */
export function readersOf(file: string): readonly string[] {
  const memory = statSync(`${file}-shm`, {throwIfNoEntry: false});
  if (!memory) return [];
  const found = new Set<string>();
  for (const line of contentOf('/proc/locks').split('\n')) {
    // 1: POSIX ADVISORY READ 4711 fe:00:131 124 124
    const [, , , kind, pid = '', place = '', from, to] = line.trim().split(/\s+/);
    if (kind !== 'READ' || Number(place.split(':').at(-1)) !== memory.ino || Number(pid) === process.pid) continue;
    if (Number(to) < readerLocks.first || Number(from) > readerLocks.last) continue;
    const name = contentOf(`/proc/${pid}/comm`).trim();
    found.add(name === '' ? 'one that cannot be seen from here' : `${pid} (${name})`);
  }
  return [...found];
}

function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
