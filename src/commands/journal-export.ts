import {JournalDamaged, type Recorded} from '../journal.ts';
import {factEvent, payloadEvent} from '../journals/cloud-event.ts';
import type {JournalArchive} from '../journals/engine.ts';
import {printableJson} from '../printable.ts';
import {exit} from './exit.ts';
import {type LocatedJournal, openArchive} from './journal-at.ts';
import {complain} from './terminal.ts';

/** Prints every fact that can be read as a CloudEvent; reports those that are damaged on stderr. */
export async function exportFacts(journal: LocatedJournal, withPayloads: boolean): Promise<void> {
  using archive = await openArchive(journal);
  const tell = (problem: string) => {
    complain(`left out: ${problem}`);
    process.exitCode = exit.failed;
  };
  for await (const recorded of archive.readable(tell)) {
    if (withPayloads) await exportPayload(recorded, archive, tell);
    await write(printableJson(factEvent(recorded)));
  }
}

async function exportPayload({fact: {data}}: Recorded, archive: JournalArchive, tell: (problem: string) => void): Promise<void> {
  const name = 'dataref' in data ? data.dataref : undefined;
  if (name === undefined) return;
  try {
    const bytes = await archive.payload(name);
    if (bytes) await write(printableJson(payloadEvent({name, bytes})));
  } catch (error) {
    if (!(error instanceof JournalDamaged)) throw error;
    tell(error.message);
  }
}

/** Waits for a reader that is slower. */
async function write(line: string): Promise<void> {
  if (!process.stdout.write(`${line}\n`)) await new Promise<void>(resolve => process.stdout.once('drain', resolve));
}
