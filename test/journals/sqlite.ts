import {execFileSync} from 'node:child_process';
import {readFileSync, statSync, truncateSync, writeFileSync} from 'node:fs';
import {DatabaseSync} from 'node:sqlite';
import test from 'ava';
import type {Fact} from '../../src/facts.ts';
import {JournalRefused} from '../../src/journals/engine.ts';
import {verifySqlite} from '../../src/journals/sqlite/verify.ts';
import {all, fact, journalSuite, numbers} from '../helpers/journal-suite.ts';
import {newFile, openFile, written} from '../helpers/sqlite-journal.ts';

journalSuite('sqlite', async (t, clock) => openFile(await newFile(t), clock), {durability: 'fsync'});

const damaged = {instanceOf: JournalRefused, message: /lost|not what was written|gone|malformed|replaced|not a journal|not a database/};

test('opening a journal that is held is refused, with the name of the holder', async t => {
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

test('a file that is not a journal is refused, and left as it is', async t => {
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

test('a mark that cannot be read is an error; without a mark the journal opens and makes one', async t => {
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
  const other = new DatabaseSync(file, {timeout: 5000}); // the first sweep may be on
  other.exec("INSERT INTO pack VALUES(99, 98, 0, 0, 0, 0, 0, x'00')");
  other.close();
  await t.throwsAsync(journal.append('a', [fact(2)]), {code: 'JOURNAL_FAILED'});
  await t.throwsAsync(journal.append('a', [fact(3)]), {code: 'JOURNAL_FAILED'}, 'what the other wrote is not ours');
  t.regex(JSON.stringify(opening.log.lines), /Another program writes/);
  t.true(opening.meter.calls.some(([name]) => name === 'shed'));
});

test('when 16 MiB wait for the disk, facts that nobody waits for are dropped and counted, others refused', async t => {
  const opening = openFile(await newFile(t));
  await using journal = await opening;
  const large: Fact = {type: 'runtime.ready', data: {bootMs: 1, loaded: false, error: 'x'.repeat(2 ** 20)}};
  const shed = () => opening.meter.calls.filter(([name]) => name === 'shed').length;
  for (let each = 0; each < 40; each++) journal.record('invocation.a', [large]);
  t.true(shed() >= 20 && shed() < 30, `${shed()} of 40 MiB`);
  const waiting = Array.from({length: 20}, () => journal.append('b', [large]));
  const results = await Promise.allSettled(waiting);
  const refused = results.flatMap(result => (result.status === 'rejected' ? [result.reason] : []));
  t.true(refused.length > 0 && refused.length < 10, `${refused.length} of 20 MiB more`);
  t.true(refused.every(error => error.code === 'JOURNAL_BUSY' && error.retryAfterS === 1));
  await journal.append('c', [large]);
  const before = shed();
  journal.record('invocation.a', [large]);
  t.is(shed(), before, 'there is room again');
});

test('when half as much waits for the disk, payloads that nobody waits for are dropped and counted, and their facts are kept', async t => {
  const opening = openFile(await newFile(t));
  await using journal = await opening;
  const bytes = Buffer.alloc(2 ** 20);
  for (let each = 0; each < 40; each++) journal.record('invocation.a', [fact(each)], [{name: `p${each}`, bytes}]);
  const counted = (name: string) => opening.meter.calls.filter(([called]) => called === name).length;
  t.is(counted('shed'), 0);
  const dropped = counted('payloadsShed');
  t.true(dropped > 25 && dropped < 35, `${dropped} of 40 MiB`);
  t.is((await Array.fromAsync(journal.read('invocation.a'))).length, 40);
});

test('recorded facts are there after the journal was closed and opened; positions go on', async t => {
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
