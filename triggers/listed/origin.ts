import {join, resolve, sep} from 'node:path';
import {fileURLToPath} from 'node:url';
import {attempt} from '../../src/attempt.ts';

/** Where the code of an entry is. */
export interface Home {
  readonly name: string;
  readonly folder: string;
}

const core = resolve(import.meta.dirname, '../..');
const ownRooms = ['src', 'middleware', 'triggers', 'runtimes', 'node_modules'].map(room => join(core, room) + sep);

/**
The entries whose package an error comes from, by the files of its stack.

@returns undefined when the stack names none of their files; without any file in the stack it may be each of them
*/
export function originOf(error: unknown, homes: readonly Home[]): string | undefined {
  const files = filesOf(error);
  const found = homes.filter(home => files.some(file => isIn(file, home.folder)));
  if (found.length > 0) return found.map(({name}) => name).join(', ');
  return files.length === 0 && homes.length > 0 ? `unknown; perhaps ${homes.map(({name}) => name).join(', ')}` : undefined;
}

/** The files of a stack that belong to nobody but Node are left out. */
function filesOf(error: unknown): string[] {
  // A package may throw anything, even an error that throws when it is looked at.
  const stack = attempt(() => (error instanceof Error ? String(error.stack) : '')) ?? '';
  const frames = stack.matchAll(/^ +at (?:.* \(|async )?(file:\/\/\/.+?|\/.+?):\d+:\d+\)?$/gm);
  return [...frames].flatMap(([, file = '']) => (file.startsWith('file:') ? (attempt(() => fileURLToPath(file)) ?? []) : file));
}

/** Packages that another package uses are its code; those beside it, and the core itself, are not. */
function isIn(file: string, folder: string): boolean {
  if (!file.startsWith(folder + sep)) return false;
  const isOfPackage = folder.includes(`${sep}node_modules${sep}`);
  return isOfPackage || (!ownRooms.some(room => file.startsWith(room)) && !file.slice(folder.length).includes(`${sep}node_modules${sep}`));
}
