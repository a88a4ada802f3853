import {closeSync, fsyncSync, openSync} from 'node:fs';
import path from 'node:path';
import {DatabaseSync} from 'node:sqlite';
import {JournalDamaged} from '../../journal.ts';
import {makeFile} from './file.ts';
import {requireRoomToWrite} from './log-index.ts';
import {workTables} from './work-rows.ts';

/** `CORE` in ASCII: it marks the database as a journal and not another program's. */
const applicationId = 0x434f5245;
const format = 1;
/** Older versions of SQLite can lose a checkpoint that runs beside a write. */
const oldestSqlite = [3, 51, 3] as const;

/*
pack     all facts of one commit, and the checksum of the pack before
stream   which packs have facts of a stream, and its newest position there; not for facts that were only recorded
payload  bytes that facts refer to
meta     `pruned`: packs up to this position may be missing, as they were removed
*/
const tables = `
  CREATE TABLE pack(last INTEGER PRIMARY KEY, count INTEGER NOT NULL, at INTEGER NOT NULL, loose INTEGER NOT NULL,
    before INTEGER NOT NULL, checksum INTEGER NOT NULL, codec INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
  CREATE INDEX pack_at ON pack(at);
  CREATE TABLE stream(name TEXT NOT NULL, last INTEGER NOT NULL, revision INTEGER NOT NULL, PRIMARY KEY(name, last)) STRICT, WITHOUT ROWID;
  CREATE TABLE payload(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, at INTEGER NOT NULL, checksum INTEGER NOT NULL, bytes BLOB NOT NULL) STRICT;
  CREATE INDEX payload_at ON payload(at);
  CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${format};
`;

/** Notes that facts up to a position may be missing from now on. */
export const raisePruned = "INSERT INTO meta VALUES('pruned', ?) ON CONFLICT DO UPDATE SET value = max(value, excluded.value)";

/**
Opens the one connection that writes, and proves what receipts promise: facts are written ahead, synced at every commit,
and text comes back as it was written.

@throws JournalDamaged when the file is not a journal; Error when it cannot be written
*/
export function openWriting(file: string, logBytes: number): DatabaseSync {
  requireRoomToWrite(file);
  makeFile(file); // SQLite gives its other files the same mode
  const db = new DatabaseSync(file);
  try {
    db.exec(`PRAGMA busy_timeout = 1000; PRAGMA synchronous = 2; PRAGMA journal_size_limit = ${logBytes}`);
    const isNew = pragma(db, 'application_id') === 0 && countTables(db) === 0;
    if (!isNew) checkFormat(db); // before any change: the file may belong to another program
    if (isNew) db.exec('PRAGMA auto_vacuum = 2'); // pages can be given back
    db.exec(`PRAGMA journal_mode = wal; PRAGMA wal_autocheckpoint = ${Math.ceil(logBytes / 4096)}`);
    if (isNew) db.exec(`BEGIN IMMEDIATE; ${tables}; COMMIT`);
    db.exec(workTables);
    prove(db);
    syncFolder(path.dirname(file));
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

export function pragma(db: DatabaseSync, name: string): unknown {
  return Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0];
}

const countTables = (db: DatabaseSync) => Number(db.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.n);

/** @throws JournalDamaged when it is not a journal, or has another format */
export function checkFormat(db: DatabaseSync): void {
  if (pragma(db, 'application_id') !== applicationId) throw new JournalDamaged('The file is not a journal');
  const found = pragma(db, 'user_version');
  if (found !== format) throw new JournalDamaged(`The journal has format ${found}; this version of the core reads ${format}`);
}

function prove(db: DatabaseSync): void {
  const version = String(db.prepare('SELECT sqlite_version() AS v').get()?.v);
  if (isOlder(version)) throw new Error(`SQLite ${version} is linked; the journal needs ${oldestSqlite.join('.')} or later`);
  if (pragma(db, 'journal_mode') !== 'wal') throw new Error('the file system does not let SQLite write ahead (journal_mode is not wal)');
  if (pragma(db, 'synchronous') !== 2) throw new Error('SQLite does not sync at every commit (synchronous is not 2)');
  const odd = 'a\0b';
  db.exec('BEGIN IMMEDIATE; CREATE TABLE probe(t TEXT) STRICT');
  db.prepare('INSERT INTO probe VALUES(?)').run(odd);
  const back = db.prepare('SELECT t FROM probe').get()?.t;
  db.exec('ROLLBACK');
  if (back !== odd) throw new Error('SQLite cuts text at NUL');
  // A commit that reaches the disk, so that one that cannot be written is known now.
  db.exec("BEGIN IMMEDIATE; INSERT INTO meta VALUES('opened', 1) ON CONFLICT DO UPDATE SET value = value + 1; COMMIT");
}

function isOlder(version: string): boolean {
  const parts = version.split('.').map(Number);
  for (const [index, least] of oldestSqlite.entries()) {
    const part = parts[index] ?? 0;
    if (part !== least) return part < least;
  }
  return false;
}

/** After a power loss a new file exists only if its folder was synced. */
function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  fsyncSync(handle);
  closeSync(handle);
}
