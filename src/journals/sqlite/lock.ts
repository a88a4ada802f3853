import {readFileSync, writeFileSync} from 'node:fs';
import {hostname} from 'node:os';
import path from 'node:path';
import {DatabaseSync} from 'node:sqlite';
import {makeFolders} from '../../folders.ts';
import {makeFile, modeLike} from './file.ts';

/** Another process owns the journal. */
export class JournalHeld extends Error {
  static {
    JournalHeld.prototype.name = 'JournalHeld';
  }
}

/**
Takes the journal for this process: an exclusive transaction on a tiny database beside it. The system frees it when the
process ends, however it ends. A file with a process id would not do, as every core in a container is process 1. The text
file beside the lock only names the holder for the message.

Nothing else may open the lock's file: closing any descriptor of it would free the lock (POSIX, fcntl).

@throws JournalHeld that names the holder
*/
export function takeLock(journalPath: string): Disposable {
  const holderPath = `${journalPath}.holder`;
  makeFolders(path.dirname(journalPath), 0o700);
  makeFile(`${journalPath}.lock`, journalPath);
  const lock = new DatabaseSync(`${journalPath}.lock`);
  try {
    lock.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE');
  } catch (cause) {
    lock.close();
    if (!isBusy(cause)) throw cause;
    throw new JournalHeld(`it is held by ${holderOf(holderPath)}`, {cause});
  }
  nameHolder(holderPath, journalPath);
  return {[Symbol.dispose]: () => lock.close()};
}

function nameHolder(holderPath: string, journalPath: string): void {
  try {
    writeFileSync(holderPath, `process ${process.pid} on ${hostname()}\n`, {mode: modeLike(journalPath)});
  } catch {
    // The name is for the message only. The disk may be full, or the file belong to another user.
  }
}

const isBusy = (error: unknown) => error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === 5;

function holderOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return 'another process';
  }
}
