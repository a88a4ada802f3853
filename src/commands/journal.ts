import {existsSync} from 'node:fs';
import path from 'node:path';
import {parseArgs} from 'node:util';
import {backUpSqlite} from '../journals/sqlite/backup.ts';
import {verifySqlite} from '../journals/sqlite/verify.ts';
import type {Environment} from '../settings/setting.ts';
import {exit} from './exit.ts';
import {CommandFailed, locateJournal, openArchive, orFail, whichJournal} from './journal-at.ts';
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
        return verify(file === undefined ? locateJournal(values, env) : path.resolve(file), values.json === true);
      case 'backup':
        return backup(locateJournal(values, env), file);
      default:
        throw new CommandFailed(exit.misused, `journal: expected one of ${actions.join(', ')}, got \`${action ?? ''}\``);
    }
  });
}

async function verify(file: string, isJson: boolean): Promise<void> {
  if (!existsSync(file)) throw new CommandFailed(exit.noJournal, `${file}: there is no such file`);
  const verdict = verifySqlite(file);
  const {facts, first, last, payloads, problems} = verdict;
  if (isJson) printJson({journal: file, ...verdict});
  else {
    print(`${file}: ${facts} facts from ${first} to ${last}, ${payloads} payloads`);
    for (const problem of problems) print(`  ${problem}`);
    if (problems.length === 0) print('  nothing is wrong with it');
  }
  if (problems.length > 0) process.exitCode = exit.failed;
}

async function backup(file: string, target: string | undefined): Promise<void> {
  if (target === undefined) throw new CommandFailed(exit.misused, 'journal backup: expected the file to write, got none');
  openArchive(file)[Symbol.dispose]();
  try {
    backUpSqlite(file, path.resolve(target));
  } catch (error) {
    throw new CommandFailed(exit.failed, error instanceof Error ? error.message : String(error));
  }
  await verify(path.resolve(target), false);
}
