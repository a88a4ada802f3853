import {JournalDamaged, type Recorded} from '../journal.ts';
import {factEvent, payloadEvent} from '../journals/cloud-event.ts';
import type {SqliteArchive} from '../journals/sqlite/archive.ts';
import {printableJson} from '../printable.ts';
import {exit} from './exit.ts';
import {openArchive} from './journal-at.ts';
import {complain} from './terminal.ts';

/** Prints what can be read, as CloudEvents; what is damaged is left out and told. */
export async function exportFacts(file: string, withPayloads: boolean): Promise<void> {
  using archive = openArchive(file);
  const tell = (problem: string) => {
    complain(`left out: ${problem}`);
    process.exitCode = exit.failed;
  };
  for await (const recorded of archive.readable(tell)) {
    if (withPayloads) await exportPayload(recorded, archive, tell);
    await write(printableJson(factEvent(recorded)));
  }
}

async function exportPayload({fact: {data}}: Recorded, archive: SqliteArchive, tell: (problem: string) => void): Promise<void> {
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

/** Whoever reads slowly is waited for. */
async function write(line: string): Promise<void> {
  if (!process.stdout.write(`${line}\n`)) await new Promise<void>(resolve => process.stdout.once('drain', resolve));
}
