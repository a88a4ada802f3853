import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {hostname} from 'node:os';
import path from 'node:path';
import {DatabaseSync} from 'node:sqlite';
import {makeFile, modeLike} from './file.ts';

/** Somebody else owns the journal. */
export class JournalHeld extends Error {
  static {
    JournalHeld.prototype.name = 'JournalHeld';
  }
}

/**
Takes the journal for this process until it ends, however it ends: an exclusive transaction on a tiny database beside
it, which the system frees. Not a file with a process id: in containers every core is process 1. The text file beside it
only names the holder for the message.

The lock's file is never opened by other means: closing any descriptor of it would free the lock (POSIX, fcntl).

@throws JournalHeld that names the holder
*/
export function takeLock(journalPath: string): Disposable {
  const holderPath = `${journalPath}.holder`;
  mkdirSync(path.dirname(journalPath), {recursive: true, mode: 0o700});
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
    // it is for the message only: the disk may be full, the file another user's
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
