import {createHash} from 'node:crypto';
import {existsSync, readdirSync} from 'node:fs';
import path from 'node:path';
import type {FunctionSpec} from '../runtime.ts';
import {defaultEngine, type JournalPlace} from './index.ts';

const fileName = 'journal.db';

/** Where the facts of a function are when CORE_JOURNAL says nothing: each function has a folder of its own. */
export function defaultJournal(
  dataDir: string,
  {handlerPath, handlerName}: Pick<FunctionSpec, 'handlerPath' | 'handlerName'>,
): JournalPlace {
  const name = createHash('sha256').update(`${handlerPath}:${handlerName}`).digest('hex').slice(0, 12);
  return {engine: defaultEngine, place: path.join(dataDir, name, fileName)};
}

/** The default journals of all functions that have one. */
export function defaultJournals(dataDir: string): JournalPlace[] {
  if (!existsSync(dataDir)) return [];
  return readdirSync(dataDir)
    .map(name => path.join(dataDir, name, fileName))
    .filter(existsSync)
    .map(place => ({engine: defaultEngine, place}));
}
