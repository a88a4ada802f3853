import {createHash} from 'node:crypto';
import {existsSync, readdirSync, statSync} from 'node:fs';
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

/** The default journals of all functions that have one, those that were written last first. */
export function defaultJournals(dataDir: string): JournalPlace[] {
  if (!existsSync(dataDir)) return [];
  return readdirSync(dataDir)
    .map(name => path.join(dataDir, name, fileName))
    .filter(existsSync)
    .map(place => ({place, writtenAt: writtenAt(place)}))
    .sort((a, b) => b.writtenAt - a.writtenAt)
    .map(({place}) => ({engine: defaultEngine, place}));
}

/** Facts go to the write-ahead log first. A reader makes an empty one. */
function writtenAt(place: string): number {
  const files = [place, `${place}-wal`].map(file => statSync(file, {throwIfNoEntry: false}));
  return Math.max(...files.map(file => (file && file.size > 0 ? file.mtimeMs : 0)));
}
