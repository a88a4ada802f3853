import {isoStamp} from '../clock.ts';
import {flag, json, type Option, text} from '../command/arguments.ts';
import {columns} from '../command/columns.ts';
import {command} from '../command/command.ts';
import {print, printJson} from '../command/terminal.ts';
import {exit} from '../exit.ts';
import type {Recorded} from '../journal.ts';
import {plainFact} from '../projections/plain.ts';
import {locateJournal, openArchive, untilInterrupted, whichJournal} from './journal-at.ts';

const position: Option<number | undefined> = {
  doc: 'Begin after this position. By default at the beginning.',
  value: '<position>',
  expected: 'a position such as 1200',
  read: (given = '0') => (/^\d{1,15}$/.test(given) ? Number(given) : undefined),
};

/** `core-runtime facts`: the journal as it is, the oldest fact first. */
export const facts = command({
  summary: 'Prints the facts of the journal.',
  options: {
    follow: flag('Go on with new facts as they come.'),
    stream: text('<prefix>', 'Only streams that begin with this text.'),
    after: position,
    ...whichJournal,
    json,
  },
  examples: {
    facts: 'Print every fact.',
    'facts --follow --stream invocation.': 'Print the facts of invocations as they come.',
  },
  async run({follow, stream: prefix = '', after: from = 0, ...given}, env) {
    const show = given.json ? (recorded: Recorded) => printJson(plainFact(recorded)) : (recorded: Recorded) => print(rowOf(recorded));
    using archive = await openArchive(locateJournal(given, env));
    let after = from;
    for await (const recorded of archive.scan(prefix, {after})) {
      show(recorded);
      after = recorded.position;
    }
    if (!follow) return exit.done;
    for await (const recorded of archive.follow({after, signal: untilInterrupted()})) {
      if (recorded.stream.startsWith(prefix)) show(recorded);
    }
    return exit.done;
  },
});

const row = columns(-8, 24, 20);
const rowOf = ({stream, position, at, fact: {type, data}}: Recorded) => row(position, isoStamp(at), type, stream, JSON.stringify(data));
