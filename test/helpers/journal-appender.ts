import {writeSync} from 'node:fs';
import {argv} from 'node:process';
import {systemClock} from '../../src/clock.ts';
import {SqliteJournal} from '../../src/journals/sqlite/journal.ts';

/*
Appends to a journal until it is stopped, as the crash tests want it: a few streams at once, every receipt printed as
`<position> <stream> <number>` at the moment it comes, every refusal as `refused <code>`.

    node journal-appender.ts <file> <first number> <how many, 0: for ever> [read]

With `read` a reader is open from the start, and is opened again after every refusal.
*/

const [file = '', first = '1', most = '0', read] = argv.slice(2);
const silent = {debug() {}, info() {}, warn() {}, error() {}};
const retention = {factsMs: 1e12, payloadsMs: 1e12, maxBytes: 2 ** 30};
const journal = await SqliteJournal.open(file, retention, {
  clock: systemClock,
  log: silent,
  meter: {appended() {}, shed() {}, payloadsShed() {}},
});
const openReader = async () => {
  if (read === 'read') await journal.last('writer.0').catch(() => {});
};
await openReader();
/** Waits for whoever reads slowly: a line that was lost would be a receipt that nobody checks. */
function tell(line: string): void {
  for (;;) {
    try {
      writeSync(1, `${line}\n`);
      return;
    } catch (error) {
      if ((error as {code?: string}).code !== 'EAGAIN') throw error;
    }
  }
}

let number = Number(first);
const end = Number(most) === 0 ? Number.POSITIVE_INFINITY : number + Number(most);

await Promise.all(
  Array.from({length: 4}, async (_, writer) => {
    while (number < end) {
      const mine = number++;
      const stream = `writer.${writer}`;
      const bytes = Buffer.alloc(200 + (mine % 7) * 900, mine);
      try {
        const {position} = await journal.append(stream, [{type: 'runtime.gave-up', data: {exits: mine, withinMs: 0}}], {
          payloads: [{name: `${mine}`, bytes}],
        });
        tell(`${position} ${stream} ${mine}`); // at once: what is told here was promised
      } catch (error) {
        tell(`refused ${(error as {code?: string}).code}`);
        await openReader();
        await systemClock.sleep(100);
      }
    }
  }),
);
await journal[Symbol.asyncDispose]();
