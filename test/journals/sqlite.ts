import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import type {Clock} from '../../src/clock.ts';
import {SqliteJournal} from '../../src/journals/sqlite.ts';
import {recordingLog, recordingMeter} from '../helpers/fakes.ts';
import {journalSuite} from '../helpers/journal-suite.ts';

const retention = {factsMs: 7 * 86_400_000, payloadsMs: 86_400_000, maxBytes: 2 ** 30};

async function open(t: ExecutionContext, clock: Clock) {
  const folder = await mkdtemp(join(tmpdir(), 'journal-'));
  t.teardown(() => rm(folder, {recursive: true}));
  return SqliteJournal.open(join(folder, 'journal.db'), retention, {clock, log: recordingLog(), meter: recordingMeter()});
}

journalSuite('sqlite', open, {durability: 'fsync'});
