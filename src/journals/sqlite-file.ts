import {lstatSync, readlinkSync, realpathSync} from 'node:fs';
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
