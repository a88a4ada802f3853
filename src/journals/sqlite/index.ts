import {existsSync} from 'node:fs';
import path from 'node:path';
import {commandLine} from '../../called-as.ts';
import type {JournalEngine} from '../engine.ts';

/** SQLite's own limit for a value. */
const mostPayloadBytes = 1_000_000_000;

/** Keeps facts in a file, which one core writes and commands read beside it. */
export const sqlite = {
  form: 'sqlite:<path>',
  doc: 'In a file of SQLite, which one core writes and commands read beside it.',
  note: '',
  get remedy() {
    const verify = commandLine('journal verify');
    return (
      'Give CORE_JOURNAL=sqlite:<path> a file that only this core writes, stop the other one, or set CORE_JOURNAL=memory: to keep nothing. ' +
      `A damaged one can be looked at with \`${verify}\` and moved away`
    );
  },
  isShared: false,

  async prepare() {
    const {startAhead} = await import('./worker.ts');
    startAhead();
  },

  async dismiss() {
    const {endUnused} = await import('./worker.ts');
    endUnused();
  },

  placeOf: text => (text === '' ? undefined : path.resolve(text)),

  async open(file, retention, house) {
    const {SqliteJournal} = await import('./journal.ts');
    const journal = await SqliteJournal.open(file, retention, house);
    return {
      journal,
      can: {durability: 'fsync', synced: 'seen', payloadBytes: mostPayloadBytes},
      get isDurable() {
        return journal.isDurable;
      },
    };
  },

  async read(file, clock) {
    const {SqliteArchive} = await import('./archive.ts');
    return new SqliteArchive(file, clock);
  },

  async verify(file, tell) {
    if (!existsSync(file)) throw new Error('there is no such file');
    const {verifyBeside} = await import('./beside.ts');
    return verifyBeside(file, tell);
  },

  async backUp(file, target, tell) {
    const {backUpBeside} = await import('./beside.ts');
    await backUpBeside(file, target, tell);
  },
} satisfies JournalEngine;
