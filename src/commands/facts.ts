import {isoStamp, systemClock} from '../clock.ts';
import {count, flag, json, type Option, text} from '../command/arguments.ts';
import {command} from '../command/command.ts';
import {CommandFailed} from '../command/failure.ts';
import {type Cell, openTable} from '../command/table.ts';
import {printJson} from '../command/terminal.ts';
import {exit} from '../exit.ts';
import type {Recorded} from '../journal.ts';
import {newestFacts} from '../projections/newest.ts';
import {plainFact} from '../projections/plain.ts';
import {openArchive, untilInterrupted, whichJournal} from './journal-at.ts';
import {findJournal} from './journal-choice.ts';

const position: Option<number | undefined> = {
  doc: 'Begin after this position. By default at the beginning; with --follow at the newest facts.',
  value: '<position>',
  expected: 'a position such as 1200',
  read: given => (given !== undefined && /^\d{1,15}$/.test(given) ? Number(given) : undefined),
};

/** How many facts `--follow` begins with, so that one sees the last thing that happened and not all history. */
const tailOfFollow = 10;

/** `core-runtime facts`: the journal as it is, the oldest fact first. */
export const facts = command({
  summary: 'Prints the facts of the journal.',
  options: {
    follow: flag('Go on with new facts as they come.'),
    stream: text('<prefix>', 'Only streams that begin with this text.'),
    after: position,
    tail: count('<n>', `Begin with the newest so many facts; ${tailOfFollow} with --follow.`),
    ...whichJournal,
    json,
  },
  examples: {
    facts: 'Print every fact.',
    'facts --tail 20 --stream runtime.': 'Print the last 20 facts about starts and processes.',
    'facts --follow --stream invocation.': 'Print the facts of invocations as they come.',
  },
  async run({follow, stream: prefix = '', after: from, tail = follow && from === undefined ? tailOfFollow : undefined, ...given}, env) {
    if (from !== undefined && tail !== undefined)
      throw new CommandFailed(exit.misused, 'expected one of --after and --tail, got both: each says where to begin');
    const table = openTable(columns);
    const show = given.json
      ? (recorded: Recorded) => printJson(plainFact(recorded))
      : (recorded: Recorded) => table.row(...cellsOf(recorded));
    using archive = await openArchive(await findJournal(given, env));
    let after = from ?? 0;
    const first = tail === undefined ? archive.scan(prefix, {after}) : await newestFacts(archive, prefix, tail, systemClock.now());
    for await (const recorded of first) {
      show(recorded);
      after = recorded.position;
    }
    if (!follow) return exit.done;
    for await (const recorded of archive.follow({after, signal: untilInterrupted(), prefix})) show(recorded);
    return exit.done;
  },
});

const columns = [
  {head: 'POSITION', isNumber: true},
  {head: 'TIME', width: 24},
  {head: 'FACT', width: 20},
  {head: 'STREAM', width: 47},
  {head: 'DATA'},
];
const cellsOf = ({stream, position, at, fact: {type, data}}: Recorded): Cell[] => [
  position,
  {text: isoStamp(at), style: 'dim'},
  type,
  stream,
  JSON.stringify(data),
];
