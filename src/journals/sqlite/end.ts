import {statSync} from 'node:fs';
import type {DatabaseSync} from 'node:sqlite';
import {JournalDamaged} from '../../journal.ts';
import {type Mark, readMark} from './mark.ts';
import {checksumOf, type Pack} from './pack.ts';

/*
Checks that a journal ends where it was written to. SQLite itself cannot know when a write-ahead log has lost its end.
*/

/** How many of the newest packs the start checks; `verify` checks all. */
const checkedAtStart = 64;

/** What is wrong with the end of a database, judged by a mark that was read before; undefined when nothing is. */
export function problemOfEnd(mark: Mark | 'unreadable' | undefined, db: DatabaseSync): string | undefined {
  if (mark === undefined) return undefined;
  if (mark === 'unreadable') return 'The mark of the journal cannot be read';
  const position = Number(db.prepare('SELECT max(last) AS position FROM pack').get()?.position ?? 0);
  if (position < mark.position) return `The journal ends at fact ${position}, but ${mark.position} were kept: its end is lost`;
  const marked = db.prepare('SELECT checksum FROM pack WHERE last = ?').get(mark.position);
  return marked && marked.checksum !== mark.checksum ? `The facts up to ${mark.position} were replaced` : undefined;
}

/** @throws JournalDamaged for a missing or empty file whose mark says that it had facts, as that is not a new journal */
export function refuseEmptied(path: string): void {
  const mark = readMark(`${path}.mark`);
  if (mark === undefined) return;
  const size = statSync(path, {throwIfNoEntry: false})?.size ?? 0;
  if (size === 0) throw new JournalDamaged('The journal is empty or gone, but its mark says that it had facts');
}

/** The newest pack. @throws JournalDamaged when one of the newest packs is not what was written */
export function checkNewest(db: DatabaseSync): Pack | undefined {
  const newest = db.prepare('SELECT * FROM pack ORDER BY last DESC LIMIT ?').all(checkedAtStart) as unknown as Pack[]; // the table's columns
  for (const [index, pack] of newest.entries()) {
    if (checksumOf(pack) !== pack.checksum) throw new JournalDamaged(`The facts up to ${pack.last} are not what was written`);
    const older = newest[index + 1];
    if (older && older.last === pack.last - pack.count && older.checksum !== pack.before) {
      throw new JournalDamaged(`The facts up to ${older.last} were replaced`);
    }
  }
  return newest[0];
}
