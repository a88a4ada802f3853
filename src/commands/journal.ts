import path from 'node:path';
import {parseArgs} from 'node:util';
import {type JournalPlace, readPlace} from '../journals/index.ts';
import type {Environment} from '../settings/setting.ts';
import {exit} from './exit.ts';
import {CommandFailed, fileAt, type LocatedJournal, locateJournal, openArchive, orFail, whichJournal} from './journal-at.ts';
import {exportFacts} from './journal-export.ts';
import {importFacts} from './journal-import.ts';
import {print, printJson} from './terminal.ts';

const actions = ['export', 'import', 'verify', 'backup'];

/** Moves, checks and saves a journal. */
export async function journal(args: string[], env: Environment): Promise<void> {
  const {values, positionals} = parseArgs({
    args,
    allowPositionals: true,
    options: {...whichJournal, payloads: {type: 'boolean'}, json: {type: 'boolean'}},
  });
  const [action, file] = positionals;
  await orFail(async () => {
    switch (action) {
      case 'export':
        return exportFacts(locateJournal(values, env), values.payloads === true);
      case 'import':
        return importFacts(locateJournal(values, env), file);
      case 'verify':
        return verify(file === undefined ? locateJournal(values, env) : (readPlace(file) ?? fileAt(file)), values.json === true);
      case 'backup':
        return backup(locateJournal(values, env), file);
      default:
        throw new CommandFailed(exit.misused, `journal: expected one of ${actions.join(', ')}, got \`${action ?? ''}\``);
    }
  });
}

async function verify({engine, place}: JournalPlace, isJson: boolean): Promise<void> {
  const verdict = await engine.verify?.(place).catch(error => {
    throw new CommandFailed(exit.noJournal, `${place}: ${messageOf(error)}`);
  });
  if (!verdict) throw new CommandFailed(exit.misused, `journal verify: ${engine.form} cannot be checked`);
  const {facts, first, last, payloads, problems} = verdict;
  if (isJson) printJson({journal: place, ...verdict});
  else {
    print(`${place}: ${facts} facts from ${first} to ${last}, ${payloads} payloads`);
    for (const problem of problems) print(`  ${problem}`);
    if (problems.length === 0) print('  nothing is wrong with it');
  }
  if (problems.length > 0) process.exitCode = exit.failed;
}

async function backup(journal: LocatedJournal, target: string | undefined): Promise<void> {
  const {engine, place} = journal;
  if (target === undefined) throw new CommandFailed(exit.misused, 'journal backup: expected the file to write, got none');
  if (!engine.backUp) throw new CommandFailed(exit.misused, `journal backup: ${engine.form} is backed up by its own means`);
  (await openArchive(journal))[Symbol.dispose]();
  const written = {engine, place: path.resolve(target)};
  await engine.backUp(place, written.place).catch(error => {
    throw new CommandFailed(exit.failed, messageOf(error));
  });
  await verify(written, false);
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
