import {closeSync, lstatSync, openSync, readlinkSync, realpathSync, statSync} from 'node:fs';
import path from 'node:path';

/** The file that a name leads to. Its lock and its mark are beside the file itself, also if it is opened by a link. */
export function fileItself(name: string): string {
  if (!lstatSync(name, {throwIfNoEntry: false})?.isSymbolicLink()) return name;
  try {
    return realpathSync(name);
  } catch {
    return path.resolve(path.dirname(name), readlinkSync(name)); // the file does not exist yet
  }
}

/**
Makes the file if it does not exist, so that it has the right mode. A file that exists keeps its own: it may belong to
another user, who shares it with our group. It is not even opened: SQLite's locks belong to the process, and closing any
descriptor of the file would drop those of every connection (POSIX, fcntl). Then another program could delete the
write-ahead log.

@param like a file whose group gets the same rights on this one, as on a volume that belongs to a group
*/
export function makeFile(file: string, like?: string): void {
  try {
    closeSync(openSync(file, 'wx', modeLike(like)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error; // openSync throws only errors of the system
  }
}

/** The mode: for our user alone, or also for the group if that has the file beside this one. */
export function modeLike(file: string | undefined): number {
  const mode = file === undefined ? 0 : (statSync(file, {throwIfNoEntry: false})?.mode ?? 0);
  return 0o600 | (mode & 0o060);
}
