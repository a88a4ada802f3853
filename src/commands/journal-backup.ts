import path from 'node:path';
import {json, one} from '../command/arguments.ts';
import {command} from '../command/command.ts';
import {CommandFailed} from '../command/failure.ts';
import {openProgress} from '../command/progress.ts';
import {exit} from '../exit.ts';
import type {JournalEngine} from '../journals/engine.ts';
import {openArchive, whichJournal} from './journal-at.ts';
import {findFile} from './journal-choice.ts';
import {verify} from './journal-verify.ts';

/** `core-runtime journal backup <file>`: a copy of one moment, while the core runs, which is checked afterwards. */
export const journalBackup = command({
  summary: 'Copies the journal to another file while the core runs, and checks the copy.',
  arguments: {file: one('the file to write', 'File to write.')},
  options: {...whichJournal, json},
  examples: {
    'journal backup /backup/journal.db': 'Save the journal of the settings.',
    'journal backup /backup/journal.db --handler handler.js --json':
      'Save the journal of one function, and print the verdict for a program.',
  },
  async run({file: target, ...given}, env) {
    const journal = await findFile(given, env);
    const {engine, place} = journal;
    if (!engine.backUp) throw new CommandFailed(exit.misused, `journal backup: ${engine.form} is backed up by its own means`);
    (await openArchive(journal))[Symbol.dispose](); // fails before a file is written
    const written = {engine, place: path.resolve(target)};
    await copy(engine.backUp, place, written.place);
    return verify(written, given.json);
  },
});

async function copy(backUp: NonNullable<JournalEngine['backUp']>, place: string, target: string): Promise<void> {
  using progress = openProgress({title: 'backup', unit: 'bytes'});
  try {
    await backUp(place, target, progress.at);
  } catch (error) {
    throw new CommandFailed(exit.failed, error instanceof Error ? error.message : String(error), {cause: error});
  }
}
