import {parseArgs} from 'node:util';
import {isoStamp} from '../clock.ts';
import type {Recorded} from '../journal.ts';
import {plainFact} from '../projections/plain.ts';
import type {Environment} from '../settings/setting.ts';
import {exit} from './exit.ts';
import {CommandFailed, locateJournal, openArchive, orFail, untilInterrupted, whichJournal} from './journal-at.ts';
import {print, printJson} from './terminal.ts';

/** Prints facts, oldest first; `--follow` goes on with new ones as they come. */
export async function facts(args: string[], env: Environment): Promise<void> {
  const {values} = parseArgs({
    args,
    options: {...whichJournal, follow: {type: 'boolean'}, stream: {type: 'string'}, after: {type: 'string'}, json: {type: 'boolean'}},
  });
  const show = values.json ? (recorded: Recorded) => printJson(plainFact(recorded)) : (recorded: Recorded) => print(row(recorded));
  await orFail(async () => {
    const {stream: prefix = '', after: from = '0'} = values;
    if (!/^\d{1,15}$/.test(from)) throw new CommandFailed(exit.misused, `--after: expected a position such as 1200, got \`${from}\``);
    using archive = await openArchive(locateJournal(values, env));
    let after = Number(from);
    for await (const recorded of archive.scan(prefix, {after})) {
      show(recorded);
      after = recorded.position;
    }
    if (!values.follow) return;
    for await (const recorded of archive.follow({after, signal: untilInterrupted()})) {
      if (recorded.stream.startsWith(prefix)) show(recorded);
    }
  });
}

function row({stream, position, at, fact: {type, data}}: Recorded): string {
  return `${String(position).padStart(8)}  ${isoStamp(at)}  ${type.padEnd(20)}  ${stream}  ${JSON.stringify(data)}`;
}
