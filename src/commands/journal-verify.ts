import {json, optional} from '../command/arguments.ts';
import {command} from '../command/command.ts';
import {CommandFailed} from '../command/failure.ts';
import {openProgress} from '../command/progress.ts';
import {print, printJson} from '../command/terminal.ts';
import {type ExitCode, exit} from '../exit.ts';
import type {JournalEngine, Verdict} from '../journals/engine.ts';
import {type JournalPlace, nameOf, readPlace} from '../journals/index.ts';
import {fileAt, whichJournal} from './journal-at.ts';
import {findFile} from './journal-choice.ts';

/** `core-runtime journal verify`: reads all of a journal. Exit code 1 when something is wrong with it. */
export const journalVerify = command({
  summary: 'Checks a journal, or a backup, and lists all that is wrong with it.',
  arguments: {file: optional('at most one file to check', 'Journal file. By default the journal that the options or the settings name.')},
  options: {...whichJournal, json},
  examples: {
    'journal verify': 'Check the journal of the settings.',
    'journal verify /backup/journal.db': 'Check a backup.',
  },
  run: async ({file, ...given}, env) =>
    verify(file === undefined ? await findFile(given, env) : (readPlace(file) ?? fileAt(file)), given.json),
});

/** Prints what is found. @throws CommandFailed when the journal does not exist, or its engine cannot check it */
export async function verify({engine, place}: JournalPlace, isJson: boolean): Promise<ExitCode> {
  const name = nameOf({engine, place});
  const verdict = await checked(engine, place);
  if (!verdict) throw new CommandFailed(exit.misused, `journal verify: ${engine.form} cannot be checked`);
  const {facts, first, last, payloads, problems} = verdict;
  if (isJson) printJson({journal: name, ...verdict});
  else {
    print(`${name}: ${facts} facts from ${first} to ${last}, ${payloads} payloads`);
    for (const problem of problems) print(`  ${problem}`);
    if (problems.length === 0) print('  nothing is wrong with it');
  }
  return problems.length > 0 ? exit.failed : exit.done;
}

async function checked(engine: JournalEngine, place: string): Promise<Verdict | undefined> {
  using progress = openProgress({title: 'verify', unit: 'entries'});
  try {
    return await engine.verify?.(place, progress.at);
  } catch (error) {
    throw new CommandFailed(exit.noJournal, `${nameOf({engine, place})}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}
