import {createReadStream, existsSync} from 'node:fs';
import path from 'node:path';
import {createInterface} from 'node:readline';
import {parseArgs} from 'node:util';
import {systemClock} from '../clock.ts';
import {factEvent, payloadEvent, readEvent} from '../cloud-event.ts';
import type {Payload, Recorded} from '../journal.ts';
import type {SqliteArchive} from '../journals/sqlite-archive.ts';
import {backUpSqlite} from '../journals/sqlite-backup.ts';
import {verifySqlite} from '../journals/sqlite-verify.ts';
import type {Environment} from '../setting.ts';
import {CommandFailed, exit, locateJournal, openArchive, openToAppend, orFail, whichJournal} from './journal-at.ts';

/** Facts that are on their way to the disk together. */
const importedAtOnce = 200;

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

async function exportFacts(file: string, withPayloads: boolean): Promise<void> {
  using archive = openArchive(file);
  for await (const recorded of archive.scan('')) {
    if (withPayloads) await exportPayload(recorded, archive);
    await print(JSON.stringify(factEvent(recorded)));
  }
}

async function exportPayload({fact: {data}}: Recorded, archive: SqliteArchive): Promise<void> {
  const name = 'dataref' in data ? data.dataref : undefined;
  const bytes = name === undefined ? undefined : await archive.payload(name);
  if (name !== undefined && bytes) await print(JSON.stringify(payloadEvent({name, bytes})));
}

/** Whoever reads slowly is waited for. */
async function print(line: string): Promise<void> {
  if (!process.stdout.write(`${line}\n`)) await new Promise<void>(resolve => process.stdout.once('drain', resolve));
}

/** Appends what was exported; positions are the journal's own, times are those of the facts. */
async function importFacts(file: string, from: string | undefined): Promise<void> {
  let now = systemClock.now();
  const opening = openToAppend(file, {...systemClock, now: () => now});
  await using journal = await opening.catch(error => {
    throw new CommandFailed(exit.noJournal, `${file}: ${error.message}`);
  });
  let count = 0;
  let payloads: Payload[] = [];
  const waiting: Promise<unknown>[] = [];
  let failure: Error | undefined;
  const note = (error: Error) => {
    failure ??= error;
  };
  const input = from === undefined || from === '-' ? process.stdin : createReadStream(path.resolve(from));
  for await (const line of createInterface({input, crlfDelay: Number.POSITIVE_INFINITY})) {
    if (line === '') continue;
    const travelled = readLine(line, count + 1);
    if ('payload' in travelled) {
      payloads.push(travelled.payload);
      continue;
    }
    now = travelled.at;
    waiting.push(journal.append(travelled.stream, [travelled.fact], {payloads}).catch(note));
    payloads = [];
    if (++count % importedAtOnce === 0) await Promise.all(waiting.splice(0));
    if (failure) break;
  }
  await Promise.all(waiting);
  if (failure) throw new CommandFailed(exit.failed, `not everything was imported: ${failure.message}`);
  console.error(`core-runtime: ${count} facts were imported into ${file}`);
}

function readLine(line: string, number: number) {
  try {
    return readEvent(line);
  } catch (error) {
    throw new CommandFailed(exit.failed, `line ${number}: ${error instanceof Error ? error.message : error}`);
  }
}

async function verify(file: string, isJson: boolean): Promise<void> {
  if (!existsSync(file)) throw new CommandFailed(exit.noJournal, `${file}: there is no such file`);
  const verdict = verifySqlite(file);
  const {facts, first, last, payloads, problems} = verdict;
  if (isJson) console.log(JSON.stringify({journal: file, ...verdict}));
  else {
    console.log(`${file}: ${facts} facts from ${first} to ${last}, ${payloads} payloads`);
    for (const problem of problems) console.log(`  ${problem}`);
    if (problems.length === 0) console.log('  nothing is wrong with it');
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
