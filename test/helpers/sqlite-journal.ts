import {execFileSync} from 'node:child_process';
import {readFileSync, writeFileSync} from 'node:fs';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import type {ExecutionContext} from 'ava';
import type {Clock} from '../../src/clock.ts';
import {SqliteJournal} from '../../src/journals/sqlite/journal.ts';
import {ManualClock} from './clock.ts';
import {recordingLog, recordingMeter} from './fakes.ts';
import {fact} from './journal-suite.ts';

export const hour = 3_600_000;
export const retention = {factsMs: 7 * 24 * hour, payloadsMs: 24 * hour, maxBytes: 2 ** 30};

export async function newFile(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'journal-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  return join(folder, 'a', 'journal.db');
}

export function openFile(file: string, clock: Clock = new ManualClock(), keep: Partial<typeof retention> = {}) {
  const house = {clock, log: recordingLog(), meter: recordingMeter()};
  return Object.assign(
    SqliteJournal.open(file, {...retention, ...keep}, house),
    house, // what it said
  );
}

/** A journal of so many packs of so many facts, closed. */
export async function written(file: string, packs: number, factsEach = 3): Promise<void> {
  await using journal = await openFile(file);
  for (let pack = 0; pack < packs; pack++) {
    for (let each = 0; each < factsEach; each++) journal.record(`invocation.${pack}-${each}`, [fact(pack)]);
    await journal.append(`runtime.${pack}`, [fact(pack)], {payloads: [{name: `p${pack}`, bytes: Buffer.alloc(5000, pack)}]});
  }
}

/** What a crash leaves behind: the files as they are while the journal is open, elsewhere. */
export async function crashed(t: ExecutionContext, packs: number): Promise<{file: string; facts: number}> {
  const file = await newFile(t);
  const copy = await newFile(t);
  await using journal = await openFile(file);
  for (let pack = 0; pack < packs; pack++) await journal.append(`runtime.${pack}`, [fact(pack), fact(pack)]);
  // By another process: a descriptor closed in this one would free SQLite's locks.
  execFileSync('cp', ['-r', dirname(file), dirname(copy)]);
  return {file: copy, facts: 2 * packs};
}

export function flip(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[at] = (bytes[at] ?? 0) ^ 0x10;
  writeFileSync(file, bytes);
}
