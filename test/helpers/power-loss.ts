import {spawnSync} from 'node:child_process';
import {copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {basename, join} from 'node:path';
import {projectFile} from './core.ts';

/*
A power loss, replayed: strace records every write, cut and sync of a journal's files while receipts are given. Then the files
are built again as a disk may have them at any moment: everything that was synced is there, of the rest any part.
*/

export const hasStrace = spawnSync('strace', ['-V']).status === 0;

export type Step =
  | {readonly at: number; readonly type: 'write'; readonly file: string; readonly bytes: Buffer; readonly offset: number}
  | {readonly at: number; readonly type: 'cut'; readonly file: string; readonly length: number}
  | {readonly at: number; readonly type: 'sync'; readonly file: string}
  /** A line that was printed. */
  | {readonly at: number; readonly type: 'told'; readonly line: string};

/** Files that a power loss keeps; shared memory is not among them, and locks are taken anew. */
const kept = new Set(['journal.db', 'journal.db-wal', 'journal.db.mark']);

export interface Recording {
  readonly steps: readonly Step[];
  /** The files as they were before. */
  readonly before: ReadonlyMap<string, Buffer>;
}

/** Runs a program of the tests on `<folder>/journal.db` twice, and records the second time. */
export function recordDisk(folder: string, program: string, first: readonly string[], second: readonly string[]): Recording {
  const file = join(folder, 'journal.db');
  const appender = projectFile(program);
  spawnSync(process.execPath, [appender, file, ...first]);
  mkdirSync(join(folder, 'before'));
  for (const name of kept) if (existsSync(join(folder, name))) copyFileSync(join(folder, name), join(folder, 'before', name));
  const calls = 'trace=pwrite64,fdatasync,fsync,ftruncate,write';
  const args = ['-ff', '-qq', '-ttt', '-y', '-xx', '-s', '100000', '-e', calls, '-o', join(folder, 'trace')];
  spawnSync('strace', [...args, process.execPath, appender, file, ...second]);
  const before = new Map(readdirSync(join(folder, 'before')).map(name => [name, readFileSync(join(folder, 'before', name))] as const));
  return {steps: readTrace(folder), before};
}

export interface Moment {
  readonly number: number;
  readonly title: string;
  /** What had happened by then. */
  readonly happened: readonly Step[];
  /** Of the journal, as the disk has it. */
  readonly db: string;
}

/** Builds the files of so many moments, the same ones each time, in folders below another. */
export function* momentsOf({steps, before}: Recording, moments: number, folder: string): Iterable<Moment> {
  for (let number = 0; number < moments; number++) {
    const random = seeded(number);
    const until = Math.floor(random() * steps.length);
    const happened = steps.slice(0, until);
    const share = [0, 0.5, 1][number % 3] ?? 0; // nothing of what was not synced, some of it, all of it
    const files = rebuild(before, happened, () => random() < share);
    const target = join(folder, `moment-${number}`);
    mkdirSync(target);
    for (const [name, bytes] of files) writeFileSync(join(target, name), bytes);
    yield {number, title: `moment ${number}, step ${until} of ${steps.length}`, happened, db: join(target, 'journal.db')};
    rmSync(target, {recursive: true});
  }
}

function readTrace(folder: string): Step[] {
  const steps: Step[] = [];
  for (const name of readdirSync(folder).filter(each => each.startsWith('trace.'))) {
    for (const line of readFileSync(join(folder, name), 'latin1').split('\n')) {
      const step = readCall(line);
      if (step) steps.push(step);
    }
  }
  return steps.sort((a, b) => a.at - b.at);
}

function readCall(line: string): Step | undefined {
  const [, time = '', call = '', path = '', rest = ''] = /^(\S+) (\w+)\(\d+<([^>]*)>(.*)$/.exec(line) ?? [];
  const at = Number(time);
  const file = basename(fromHex(path).toString());
  if (call === 'write') {
    const [, told = ''] = /^, "([^"]*)"/.exec(rest) ?? [];
    const line = fromHex(told).toString();
    return line.endsWith('\n') ? {at, type: 'told', line: line.trimEnd()} : undefined;
  }
  if (!kept.has(file)) return undefined;
  if (call === 'fsync' || call === 'fdatasync') return {at, type: 'sync', file};
  if (call === 'ftruncate') return {at, type: 'cut', file, length: Number(/^, (\d+)/.exec(rest)?.[1])};
  const [, bytes = '', offset] = /^, "([^"]*)", \d+, (\d+)\)/.exec(rest) ?? [];
  return {at, type: 'write', file, bytes: fromHex(bytes), offset: Number(offset)};
}

const fromHex = (text: string) => Buffer.from(text.replaceAll('\\x', ''), 'hex');

/** The files at a moment. `survives` is asked of each step that no sync has followed. */
function rebuild(before: ReadonlyMap<string, Buffer>, steps: readonly Step[], survives: () => boolean): Map<string, Buffer> {
  const synced = new Map<string, number>();
  for (const [index, step] of steps.entries()) if (step.type === 'sync') synced.set(step.file, index);
  const files = new Map<string, {length: number; bytes: Buffer}>();
  for (const [name, bytes] of before) files.set(name, {length: bytes.length, bytes: roomy(bytes)});
  for (const [index, step] of steps.entries()) {
    if (step.type !== 'write' && step.type !== 'cut') continue;
    if (index > (synced.get(step.file) ?? -1) && !survives()) continue;
    const file = files.get(step.file) ?? {length: 0, bytes: roomy(Buffer.alloc(0))};
    files.set(step.file, file);
    if (step.type === 'write') {
      step.bytes.copy(file.bytes, step.offset);
      file.length = Math.max(file.length, step.offset + step.bytes.length);
    } else {
      file.bytes.fill(0, step.length);
      file.length = step.length;
    }
  }
  return new Map([...files].map(([name, {length, bytes}]) => [name, bytes.subarray(0, length)]));
}

/** No file of the test grows beyond it. */
const roomy = (bytes: Buffer) => Buffer.concat([bytes], 2 ** 24);

/** The same each time (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
