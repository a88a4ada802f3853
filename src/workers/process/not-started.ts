import {existsSync} from 'node:fs';
import type {Command} from '../../runtime.ts';

/** Why the system could not start a program, for a person who can do something about it. */
export function whyNotStarted({file, missing}: Pick<Command, 'file' | 'missing'>, error: NodeJS.ErrnoException): string {
  if (error.code === 'EACCES')
    return `${file} may not be executed by this user (EACCES): its mode, or the file system that it is on, forbids it`;
  if (error.code !== 'ENOENT') return error.message;
  if (!file.includes('/')) return missing ?? `${file} was not found in PATH (ENOENT)`;
  if (!existsSync(file)) return `${file} does not exist (ENOENT)`;
  return `${file} cannot be run: the interpreter in its first line, or the loader that it was linked for, does not exist (ENOENT)`;
}
