import {mkdirSync, statSync} from 'node:fs';
import path from 'node:path';

/**
Makes a folder, and those above it that do not exist. Node's own way to do so tries again without an end where the file system
has no new folders, as in /proc.

@param folder absolute
@param mode of those that are made
@throws the error of the system
*/
export function makeFolders(folder: string, mode?: number): void {
  const missing: string[] = [];
  for (let each = folder; !isThere(each); each = path.dirname(each)) missing.unshift(each);
  for (const each of missing) makeFolder(each, mode);
}

const isThere = (folder: string) => statSync(folder, {throwIfNoEntry: false}) !== undefined || path.dirname(folder) === folder;

/** Another process may have made it meanwhile. */
function makeFolder(folder: string, mode: number | undefined): void {
  try {
    mkdirSync(folder, {mode});
  } catch (error) {
    if (!statSync(folder, {throwIfNoEntry: false})?.isDirectory()) throw error;
  }
}
