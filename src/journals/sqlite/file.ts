import {closeSync, lstatSync, openSync, readlinkSync, realpathSync, statSync} from 'node:fs';
import path from 'node:path';

/** The file itself where its name is a link to it: its lock and its mark stand beside that, whatever name it is opened by. */
export function fileItself(name: string): string {
  if (!lstatSync(name, {throwIfNoEntry: false})?.isSymbolicLink()) return name;
  try {
    return realpathSync(name);
  } catch {
    return path.resolve(path.dirname(name), readlinkSync(name)); // it is still to be made
  }
}

/**
Makes the file if there is none, for its mode. One that is there is left as it is: it may be another user's, who shares
it with our group, and it is not opened, as SQLite's locks belong to the process. Closing any descriptor of the file
would drop those of every connection in it (POSIX, fcntl), and then another program could delete the write-ahead log.

@param like a file whose group may do the same with this one, as on a volume that belongs to a group
*/
export function makeFile(file: string, like?: string): void {
  try {
    closeSync(openSync(file, 'wx', modeLike(like)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error; // openSync throws only errors of the system
  }
}

/** Ours alone, or our group's, too. */
export function modeLike(file: string | undefined): number {
  const mode = file === undefined ? 0 : (statSync(file, {throwIfNoEntry: false})?.mode ?? 0);
  return 0o600 | (mode & 0o060);
}
