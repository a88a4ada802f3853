import {closeSync, existsSync, fsyncSync, openSync} from 'node:fs';
import {MarkFile} from './sqlite-mark.ts';
import {openReading} from './sqlite-schema.ts';

/**
Copies a journal as of one moment, while it may be written: one reading transaction, into a new file with its own mark.

@throws Error when the target exists
*/
export function backUpSqlite(path: string, target: string): void {
  if (existsSync(target) || existsSync(`${target}.mark`)) throw new Error(`${target} exists already`);
  closeSync(openSync(target, 'a', 0o600));
  const db = openReading(path);
  try {
    db.prepare('VACUUM INTO ?').run(target);
  } finally {
    db.close();
  }
  const copy = openReading(target);
  const newest = copy.prepare('SELECT last, checksum FROM pack ORDER BY last DESC LIMIT 1').get();
  copy.close();
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
