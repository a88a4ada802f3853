import {closeSync, existsSync, fsyncSync, openSync, rmSync} from 'node:fs';
import type {DatabaseSync} from 'node:sqlite';
import {fileItself} from './file.ts';
import {MarkFile} from './mark.ts';
import {openReading, openWhole} from './open.ts';

/**
Copies a journal as of one moment, also while it is written: one reading transaction, into a new file with a mark of its own.

@throws Error when the target exists; JournalDamaged when the journal holds less than was written, as a copy would hide the loss
*/
export function backUpSqlite(path: string, target: string): void {
  if (existsSync(target) || existsSync(`${target}.mark`)) throw new Error(`${target} exists already`);
  const db = openWhole(fileItself(path));
  try {
    copy(db, target);
  } finally {
    db.close();
  }
  const written = openReading(target);
  const newest = written.prepare('SELECT last, checksum FROM pack ORDER BY last DESC LIMIT 1').get();
  written.close();
  if (newest) {
    using mark = new MarkFile(`${target}.mark`);
    mark.write({position: Number(newest.last), checksum: Number(newest.checksum)});
  }
  for (const file of newest ? [target, `${target}.mark`] : [target]) {
    const handle = openSync(file, 'r+');
    fsyncSync(handle);
    closeSync(handle);
  }
}

function copy(db: DatabaseSync, target: string): void {
  closeSync(openSync(target, 'ax', 0o600));
  try {
    db.prepare('VACUUM INTO ?').run(target);
  } catch (error) {
    rmSync(target); // nobody should take a part for a backup
    throw error;
  }
}
