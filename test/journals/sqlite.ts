import {execFileSync} from 'node:child_process';
import {readFileSync, statSync, truncateSync, writeFileSync} from 'node:fs';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {DatabaseSync} from 'node:sqlite';
import test, {type ExecutionContext} from 'ava';
import type {Clock} from '../../src/clock.ts';
import {JournalDamaged} from '../../src/journal.ts';
import {SqliteJournal} from '../../src/journals/sqlite.ts';
import {JournalRefused} from '../../src/journals/sqlite-thread.ts';
import {verifySqlite} from '../../src/journals/sqlite-verify.ts';
import {ManualClock} from '../helpers/clock.ts';
import {recordingLog, recordingMeter} from '../helpers/fakes.ts';
import {all, fact, journalSuite, numbers} from '../helpers/journal-suite.ts';

const hour = 3_600_000;
const retention = {factsMs: 7 * 24 * hour, payloadsMs: 24 * hour, maxBytes: 2 ** 30};

async function newFile(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'journal-'));
  t.teardown(() => rm(folder, {recursive: true}));
  return join(folder, 'a', 'journal.db');
}

function openFile(file: string, clock: Clock = new ManualClock(), keep: Partial<typeof retention> = {}) {
  const house = {clock, log: recordingLog(), meter: recordingMeter()};
  return Object.assign(
    SqliteJournal.open(file, {...retention, ...keep}, house),
    house, // what it said
  );
}

journalSuite('sqlite', async (t, clock) => openFile(await newFile(t), clock), {durability: 'fsync'});

/** A journal of so many packs of so many facts, closed. */
async function written(file: string, packs: number, factsEach = 3): Promise<void> {
  await using journal = await openFile(file);
  for (let pack = 0; pack < packs; pack++) {
    for (let each = 0; each < factsEach; each++) journal.record(`invocation.${pack}-${each}`, [fact(pack)]);
    await journal.append(`runtime.${pack}`, [fact(pack)], {payloads: [{name: `p${pack}`, bytes: Buffer.alloc(5000, pack)}]});
  }
}

/** What a crash leaves behind: the files as they are while the journal is open, elsewhere. */
async function crashed(t: ExecutionContext, packs: number): Promise<{file: string; facts: number}> {
  const file = await newFile(t);
  const copy = await newFile(t);
  await using journal = await openFile(file);
  for (let pack = 0; pack < packs; pack++) await journal.append(`runtime.${pack}`, [fact(pack), fact(pack)]);
  // By another process: a descriptor closed in this one would free SQLite's locks.
  execFileSync('cp', ['-r', dirname(file), dirname(copy)]);
  return {file: copy, facts: 2 * packs};
}

function flip(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[at] = (bytes[at] ?? 0) ^ 0x10;
  writeFileSync(file, bytes);
}

const damaged = {instanceOf: JournalRefused, message: /lost|not what was written|gone|malformed|replaced|no journal|not a database/};

test('whoever opens a journal that is held is refused, and told by whom', async t => {
  const file = await newFile(t);
  const first = await openFile(file);
  const refused = await t.throwsAsync(openFile(file), {instanceOf: JournalRefused});
  t.is((refused as JournalRefused | undefined)?.reason, 'held');
  t.regex(refused?.message ?? '', new RegExp(`process ${process.pid} on `));
  await first[Symbol.asyncDispose]();
  await (await openFile(file))[Symbol.asyncDispose]();
});

test('a journal that was emptied or is gone is not taken for a new one', async t => {
  for (const harm of [(file: string) => truncateSync(file, 0), (file: string) => execFileSync('rm', [file])]) {
    const file = await newFile(t);
    await written(file, 3);
    harm(file);
    await t.throwsAsync(openFile(file), damaged);
    await t.throwsAsync(openFile(file), damaged, 'and not the second time either');
  }
});

test('a journal that was cut is refused', async t => {
  const file = await newFile(t);
  await written(file, 200);
  truncateSync(file, Math.floor(statSync(file).size / 2 / 4096) * 4096);
  await t.throwsAsync(openFile(file), damaged);
  t.true(verifySqlite(file).problems.length > 0);
});

test('a file that is no journal is refused, and left as it is', async t => {
  const file = await newFile(t);
  await written(file, 1);
  execFileSync('rm', [file, `${file}.mark`]);
  const db = new DatabaseSync(file);
  db.exec('CREATE TABLE mine(a)');
  db.close();
  const before = readFileSync(file);
  await t.throwsAsync(openFile(file), damaged);
  t.true(readFileSync(file).equals(before));
});

test('a log that was cut or flipped anywhere never passes for a shorter journal', async t => {
  const {file, facts} = await crashed(t, 12);
  const log = `${file}-wal`;
  const {size} = statSync(log);
  t.true(size > 12 * 4096);
  const kept = ['', '-wal', '.mark'].map(end => [`${file}${end}`, readFileSync(`${file}${end}`)] as const);
  let refusals = 0;
  for (let at = 32; at < size; at += Math.floor(size / 40)) {
    for (const harm of [() => flip(log, at), () => truncateSync(log, at)]) {
      for (const [name, bytes] of kept) writeFileSync(name, bytes);
      execFileSync('rm', ['-f', `${file}-shm`]);
      harm();
      const found = await openFile(file).then(
        async journal => {
          await using open = journal;
          return (await all(open.scan(''))).length;
        },
        error => error,
      );
      if (found instanceof Error) {
        t.true(found instanceof JournalRefused || found instanceof JournalDamaged, String(found));
        refusals++;
      } else t.is(found, facts, `harm at ${at} went unseen`);
    }
  }
  t.true(refusals > 40);
});

test('a flipped bit in the database is refused, or said when it is read, and found by verify', async t => {
  const file = await newFile(t);
  await written(file, 60, 40);
  const {facts} = verifySqlite(file);
  t.deepEqual(verifySqlite(file).problems, []);
  const kept = readFileSync(file);
  let seen = 0;
  for (let at = 100; at < kept.length; at += Math.floor(kept.length / 60)) {
    writeFileSync(file, kept);
    flip(file, at);
    const {problems} = verifySqlite(file);
    const found = await openFile(file).then(
      async journal => {
        await using open = journal;
        return (await all(open.scan(''))).length;
      },
      error => error,
    );
    if (problems.length > 0) seen++;
    else t.is(found, facts, `a flip at ${at} went unseen`); // in room that nothing uses
    if (typeof found === 'number') t.is(found, facts, `fewer facts after a flip at ${at}`);
  }
  t.true(seen > 40, `${seen} of 60 flips were found`);
});

test('a mark that cannot be read is said; without one the journal opens and makes another', async t => {
  const file = await newFile(t);
  await written(file, 2);
  writeFileSync(`${file}.mark`, Buffer.alloc(48, 1));
  await t.throwsAsync(openFile(file), {message: /mark/});
  execFileSync('rm', [`${file}.mark`]);
  t.regex(verifySqlite(file).problems.join(), /no mark/);
  await (await openFile(file))[Symbol.asyncDispose]();
  t.deepEqual(verifySqlite(file).problems, []);
});

test('when another program writes to the journal, nothing is acknowledged before it was looked at', async t => {
  const file = await newFile(t);
  const opening = openFile(file);
  await using journal = await opening;
  await journal.append('a', [fact(1)]);
  const other = new DatabaseSync(file);
  other.exec("INSERT INTO pack VALUES(99, 98, 0, 0, 0, 0, 0, x'00')");
  other.close();
  await t.throwsAsync(journal.append('a', [fact(2)]), {code: 'JOURNAL_FAILED'});
  await t.throwsAsync(journal.append('a', [fact(3)]), {code: 'JOURNAL_FAILED'}, 'what the other wrote is not ours');
  t.regex(JSON.stringify(opening.log.lines), /Another program writes/);
  t.true(opening.meter.calls.some(([name]) => name === 'shed'));
});

test('what was recorded is there after the journal was closed and opened; positions go on', async t => {
  const file = await newFile(t);
  await written(file, 5);
  await using journal = await openFile(file);
  t.is((await all(journal.scan(''))).length, 20);
  t.deepEqual(numbers(await all(journal.read('runtime.3'))), [3]);
  t.is((await journal.append('a', [fact(1)])).position, 21);
});

test('nobody else may read the files', async t => {
  const file = await newFile(t);
  await using journal = await openFile(file);
  await journal.append('a', [fact(1)]);
  for (const end of ['', '-wal', '-shm', '.mark', '.lock', '.holder']) t.is(statSync(file + end).mode & 0o077, 0, end);
});

test('payloads go after their time, facts later, and what must stay stays', async t => {
  const clock = new ManualClock();
  const file = await newFile(t);
  await using journal = await openFile(file, clock);
  const payloads = [{name: 'p', bytes: Buffer.from('x')}];
  journal.record('invocation.old', [fact(1)], payloads);
  await journal.append('schedule.a.2026-01-01T00:00:00.000Z', [fact(2)]);
  await journal.append('schedule.a.2026-01-01T01:00:00.000Z', [fact(3)]);
  await journal.append('invocation.open', [fact(4)]);
  await journal.append('runtime.x', [fact(5)]);
  await clock.advance(25 * hour);
  while ((await journal.payload('p')) !== undefined);
  t.is((await all(journal.scan(''))).length, 5);
  await clock.advance(7 * 24 * hour);
  await journal.append('runtime.y', [fact(6)]);
  while ((await journal.last('invocation.old')) !== undefined) await clock.advance(60_000);
  while ((await journal.last('runtime.x')) !== undefined) await clock.advance(60_000);
  t.deepEqual(numbers(await all(journal.scan('schedule.'))), [3]);
  t.deepEqual(numbers(await all(journal.read('invocation.open'))), [4], 'it is not over: it may have to run again');
  t.is((await all(journal.scan('journal'))).length, 1, 'that payloads were shredded is a fact');
  t.deepEqual(verifySqlite(file).problems, []);
  t.true((await journal.append('runtime.y', [fact(7)])).position > 6);
});

test('past its size the oldest goes before its time', async t => {
  const clock = new ManualClock();
  const file = await newFile(t);
  await using journal = await openFile(file, clock, {maxBytes: 2 ** 18});
  for (let number = 0; number < 60; number++) {
    const name = `p${number}`;
    await journal.append(`runtime.${number}`, [{type: 'runtime.ready', data: {bootMs: 1, loaded: false, error: noise(8000)}}], {
      payloads: [{name, bytes: Buffer.alloc(4000)}],
    });
  }
  await clock.advance(60_000);
  while ((await journal.last('runtime.20')) !== undefined) await clock.advance(60_000);
  t.is(await journal.payload('p59'), undefined, 'payloads go first');
  t.not(await journal.last('runtime.59'), undefined);
  t.deepEqual(verifySqlite(file).problems, []);
});

/** Text that does not compress. */
const noise = (length: number) => Array.from({length}, () => String.fromCharCode(33 + Math.floor(Math.random() * 90))).join('');
