import type {ReadStream} from 'node:fs';
import {open} from 'node:fs/promises';
import path from 'node:path';
import type {Readable} from 'node:stream';
import {systemClock} from '../clock.ts';
import {flag, json, optional} from '../command/arguments.ts';
import {command} from '../command/command.ts';
import {CommandFailed} from '../command/failure.ts';
import {openProgress} from '../command/progress.ts';
import {complain, printJson} from '../command/terminal.ts';
import {exit} from '../exit.ts';
import type {Payload} from '../journal.ts';
import {readEvent, type Travelled} from '../journals/cloud-event.ts';
import {type JournalPlace, nameOf} from '../journals/index.ts';
import type {WorkState} from '../work.ts';
import {linesOf} from '../workers/output/lines.ts';
import {openToAppend, whichJournal} from './journal-at.ts';
import {findFile} from './journal-choice.ts';
import {Known} from './journal-known.ts';
import {type TakenOver, takeOverKey, takeOverWork} from './journal-work.ts';

/** Number of facts that are written to the disk together. */
const importedAtOnce = 200;
/** So much of payloads waits to be kept at most: a quarter of what a journal takes before it says that it is busy. */
const mostWaitingBytes = 8 * 2 ** 20;
/** Most payloads that one fact refers to. An export has them before the fact. */
const mostPayloads = 16;

/**
`core-runtime journal import`: appends what was exported. Positions are the journal's own, times are those of the facts.
Facts that the journal has already are left out, so an import that broke off can be done again.
*/
export const journalImport = command({
  summary: 'Appends exported facts to a journal: to a file that no core holds, or to one that several share.',
  arguments: {file: optional('at most one file to read', 'File to read; `-`, or none, reads stdin.')},
  options: {
    work: flag('Take over the work that is not over, too, and the idempotency keys that count: a core that has the journal then runs it.'),
    ...whichJournal,
    json,
  },
  examples: {
    'journal import all.ndjson --journal new.db': 'Make a new journal from an export.',
    'journal import all.ndjson --work --journal new.db': 'Move a journal with its work, which no other core may go on running.',
    'journal import - --handler handler.js': 'Append what comes on stdin to the journal of a function.',
  },
  async run({file: from, work: takesWork, ...given}, env) {
    const target = await findFile(given, env);
    const counts = await importFacts(target, from, takesWork);
    if (given.json)
      printJson({
        journal: nameOf(target),
        imported: counts.imported,
        known: counts.known,
        leftOut: counts.other,
        work: counts.work,
        keys: counts.keys,
      });
    else {
      if (counts.known > 0) complain(`${counts.known} facts were there already`);
      complain(`${counts.imported} facts were imported into ${nameOf(target)}`);
      if (counts.work.taken > 0) complain(`${counts.work.taken} items of work were taken over`);
      if (counts.work.known > 0) complain(`${counts.work.known} items of work were there already, or are over`);
      if (counts.keys.taken > 0) complain(`${counts.keys.taken} idempotency keys were taken over`);
    }
    if (counts.keys.leftOut > 0)
      complain(`${counts.keys.leftOut} idempotency keys were left out${takesWork ? '' : ': --work takes them over'}`);
    if (counts.work.leftOut > 0)
      complain(
        `${counts.work.leftOut} items of work were left out${takesWork ? ', as their facts are not there, or this journal does not take work over' : ': --work takes them over'}`,
      );
    if (counts.other === 0) return exit.done;
    throw new CommandFailed(exit.failed, `${counts.other} facts were left out, as their streams have other facts there: ${counts.others}`);
  },
});

const none: TakenOver = {taken: 0, known: 0, leftOut: 0};

interface Counts {
  imported: number;
  known: number;
  other: number;
  readonly work: TakenOver;
  readonly keys: TakenOver;
}

/** @throws CommandFailed when the journal cannot be opened, or a line cannot be read; facts before that line are kept */
async function importFacts(target: JournalPlace, from: string | undefined, takesWork: boolean): Promise<Counts & {others: string}> {
  const {input, bytes} = await openInput(from); // first, so that a file that does not exist leaves no empty journal behind
  let now = systemClock.now();
  await using journal = await openToAppend(target, {...systemClock, now: () => now}).catch(error => {
    throw new CommandFailed(exit.noJournal, `${nameOf(target)}: ${error.message}`);
  });
  using progress = openProgress({title: 'import', unit: bytes === undefined ? 'facts' : 'bytes', total: bytes});
  const known = await Known.read(journal);
  const counts: Counts = {imported: 0, known: 0, other: 0, work: {...none}, keys: {...none}};
  let payloads: Payload[] = [];
  let problem: string | undefined;
  const waiting: Promise<unknown>[] = [];
  let waitingBytes = 0;
  const works: WorkState[] = [];
  const note = (error: Error) => {
    problem ??= error.message;
  };
  for await (const travelled of travelledIn(input, note)) {
    if ('payload' in travelled) {
      payloads.push(travelled.payload);
      continue;
    }
    if ('work' in travelled) {
      if (!takesWork) counts.work.leftOut++;
      else if (works.push(travelled.work) === importedAtOnce) await takeOver();
      if (problem !== undefined) break;
      continue;
    }
    if ('key' in travelled) {
      await takeOver(); // keys are behind all work
      if (!takesWork) counts.keys.leftOut++;
      else if (problem === undefined) await takeOverKey(journal, travelled.key, systemClock.now()).then(how => counts.keys[how]++, note);
      if (problem !== undefined) break;
      continue;
    }
    const standing = known.take(travelled);
    if (standing === 'new') {
      now = travelled.at;
      waiting.push(journal.append(travelled.stream, [travelled.fact], {payloads}).catch(note));
      counts.imported++;
      waitingBytes += payloads.reduce((sum, {bytes}) => sum + bytes.length, 0);
      if (waiting.length >= importedAtOnce || waitingBytes > mostWaitingBytes) await kept();
    } else counts[standing]++;
    progress.at(bytes === undefined ? counts.imported + counts.known + counts.other : (input as ReadStream).bytesRead); // only a file has a size
    payloads = [];
    if (problem !== undefined) break;
  }
  await takeOver();
  if (problem !== undefined) throw new CommandFailed(exit.failed, `not everything was imported: ${problem}`);
  return {...counts, others: known.others};

  async function kept(): Promise<void> {
    await Promise.all(waiting.splice(0));
    waitingBytes = 0;
  }

  /** Behind the facts so far, among which are its own. */
  async function takeOver(): Promise<void> {
    await kept();
    if (problem === undefined) await takeOverWork(journal, works.splice(0), counts.work).catch(note);
  }
}

/** Facts and payloads, line by line, up to the first line that is refused. */
async function* travelledIn(input: Readable, refuse: (problem: Error) => void): AsyncGenerator<Travelled> {
  let number = 1;
  let payloads = 0;
  try {
    for await (const line of linesOf(input)) {
      if (line !== '') {
        const travelled = readEvent(line);
        payloads = 'payload' in travelled ? payloads + 1 : 0;
        if (payloads > mostPayloads) throw new TypeError(`expected a fact after ${mostPayloads} payloads`);
        yield travelled;
      }
      number++;
    }
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
    refuse(new Error(`line ${number}: ${error.message}`));
  }
}

/** `bytes`: the size of the file; undefined for what has none, such as a pipe. */
async function openInput(from: string | undefined): Promise<{input: Readable; bytes: number | undefined}> {
  if (from === undefined || from === '-') return {input: process.stdin, bytes: undefined};
  const file = await open(path.resolve(from));
  const {size} = await file.stat();
  return {input: file.createReadStream(), bytes: size || undefined};
}
