import {flag} from '../command/arguments.ts';
import {command} from '../command/command.ts';
import {openProgress} from '../command/progress.ts';
import {complain} from '../command/terminal.ts';
import {type ExitCode, exit} from '../exit.ts';
import {JournalDamaged, type Recorded} from '../journal.ts';
import {factEvent, payloadEvent} from '../journals/cloud-event.ts';
import type {JournalArchive} from '../journals/engine.ts';
import {printableJson} from '../printable.ts';
import {keyEvent, workEvent} from '../work/cloud-event.ts';
import {openArchive, whichJournal} from './journal-at.ts';
import {findJournal} from './journal-choice.ts';

/** `core-runtime journal export`: CloudEvents as JSON lines. What is damaged is left out and reported; then the exit code is 1. */
export const journalExport = command({
  summary: 'Prints the journal as CloudEvents, one JSON object on a line.',
  options: {
    payloads: flag('Print requests and replies, too, the work that is not over, and the idempotency keys that count.'),
    ...whichJournal,
    json: flag('Changes nothing: the output is JSON anyway.'),
  },
  examples: {
    'journal export --payloads > all.ndjson': 'Save all of a journal as text.',
    'journal export --journal /backup/journal.db': 'Print the facts of a backup.',
  },
  async run({payloads, ...given}, env) {
    using archive = await openArchive(await findJournal(given, env));
    using progress = openProgress({title: 'export', unit: 'facts', total: await archive.before(Number.MAX_SAFE_INTEGER)});
    let exitCode: ExitCode = exit.done;
    const leaveOut = (problem: string) => {
      progress.hide(process.stderr);
      complain(`left out: ${problem}`);
      exitCode = exit.failed;
    };
    for await (const recorded of archive.readable(leaveOut)) {
      progress.hide(process.stdout); // stdout may be the same terminal
      if (payloads) await exportPayload(recorded, archive, leaveOut);
      await write(printableJson(factEvent(recorded)));
      progress.at(recorded.position);
    }
    await exportWork(archive, payloads, () => progress.hide(payloads ? process.stdout : process.stderr));
    return exitCode;
  },
});

/** Work and keys, behind the facts. Without its requests it could not run elsewhere, so then it is only counted. */
async function exportWork(archive: JournalArchive, hasRequests: boolean, hide: () => void): Promise<void> {
  let leftOut = 0;
  for await (const state of archive.work?.() ?? []) {
    hide();
    if (hasRequests) await write(printableJson(workEvent(state)));
    else leftOut++;
  }
  if (leftOut > 0) complain(`left out: ${leftOut} items of work that are not over; --payloads exports them with their requests`);
  let keys = 0;
  for await (const key of archive.keys?.() ?? []) {
    hide();
    if (hasRequests) await write(printableJson(keyEvent(key)));
    else keys++;
  }
  if (keys > 0) complain(`left out: ${keys} idempotency keys; --payloads exports them with their replies`);
}

async function exportPayload({fact: {data}}: Recorded, archive: JournalArchive, leaveOut: (problem: string) => void): Promise<void> {
  const name = 'dataref' in data ? data.dataref : undefined;
  if (name === undefined) return;
  try {
    const bytes = await archive.payload(name);
    if (bytes) await write(printableJson(payloadEvent({name, bytes})));
  } catch (error) {
    if (!(error instanceof JournalDamaged)) throw error;
    leaveOut(error.message);
  }
}

/** Waits for a reader that is slow. */
async function write(line: string): Promise<void> {
  if (!process.stdout.write(`${line}\n`)) await new Promise<void>(resolve => process.stdout.once('drain', resolve));
}
