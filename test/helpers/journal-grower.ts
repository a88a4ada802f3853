import {execFileSync} from 'node:child_process';
import {rmSync, statSync, truncateSync} from 'node:fs';
import {DatabaseSync} from 'node:sqlite';
import {Keeper} from '../../src/journals/sqlite/keeper.ts';
import {writeLine} from '../../src/journals/sqlite/line.ts';
import {logBytes} from '../../src/journals/sqlite/log.ts';
import {fill, topUp} from './mounted.ts';

/*
A process that writes a journal while a reader holds its log, until the index of that is almost full; then it leaves so many
KiB of the disk and writes on.

    node journal-grower.ts <folder> <KiB>
*/
const [folder = '', kibibytes] = process.argv.slice(2);
const file = `${folder}/journal.db`;
const keeper = new Keeper(file, {factsMs: 1e12, payloadsMs: 1e12, maxBytes: 2 ** 30}, () => {});
const reader = new DatabaseSync(file, {readOnly: true});
reader.exec('BEGIN; SELECT count(*) FROM pack');

let count = 0;
function commit(bytes: number): void {
  const name = `p${++count}`;
  const text = writeLine(name, Date.now(), {type: 'invocation.accepted', data: {source: 'test', bytes, attempt: 1}});
  keeper.commit([{stream: name, text, count: 1, payloads: [{name, bytes: Buffer.alloc(bytes, count)}]}], Date.now());
}

/** Pages in the log; one part of the index is for 4062 of them. */
const frames = () => (logBytes(file) - 32) / 4120;
for (const [bytes, until] of [
  [1_000_000, 3750],
  [30_000, 4025],
  [10, 4056],
] as const)
  while (frames() < until) commit(bytes);

rmSync(`${file}.reserve`, {force: true});
const filler = fill(folder);
execFileSync('sync', ['-f', filler]); // until then the system keeps a little more back
topUp(filler);
truncateSync(filler, statSync(filler).size - Number(kibibytes) * 1024);
for (let tries = 0; tries < 6; tries++) {
  try {
    commit(10);
  } catch (error) {
    console.log(String(error));
  }
}
console.log('written');
rmSync(filler);
reader.close();
keeper.look(Number.MAX_SAFE_INTEGER);
commit(10);
keeper[Symbol.dispose]();
console.log('closed');
