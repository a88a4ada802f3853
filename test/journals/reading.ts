import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, mkdirSync, symlinkSync, truncateSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {DatabaseSync} from 'node:sqlite';
import test from 'ava';
import {JournalDamaged} from '../../src/journal.ts';
import {JournalRefused} from '../../src/journals/engine.ts';
import {SqliteArchive} from '../../src/journals/sqlite/archive.ts';
import {backUpSqlite} from '../../src/journals/sqlite/backup.ts';
import {verifySqlite} from '../../src/journals/sqlite/verify.ts';
import {ManualClock} from '../helpers/clock.ts';
import {projectFile} from '../helpers/core.ts';
import {all, fact, numbers} from '../helpers/journal-suite.ts';
import {crashed, flip, newFile, openFile, written} from '../helpers/sqlite-journal.ts';

test('every reader notices a log that was cut or flipped, and no backup is made of it', async t => {
  for (const harm of [
    (log: string) => truncateSync(log, 0),
    (log: string) => truncateSync(log, 40_000),
    (log: string) => flip(log, 40_000),
  ]) {
    const {file} = await crashed(t, 12);
    harm(`${file}-wal`);
    t.throws(() => new SqliteArchive(file, new ManualClock()), {instanceOf: JournalDamaged});
    t.throws(() => backUpSqlite(file, `${file}.backup`), {instanceOf: JournalDamaged});
    t.false(existsSync(`${file}.backup`));
    t.false(existsSync(`${file}.backup.mark`));
  }
});

test('a link to a journal has the same owner, and the same mark', async t => {
  const file = await newFile(t);
  const link = join(dirname(dirname(file)), 'link.db');
  symlinkSync(file, link);
  mkdirSync(dirname(file));
  const first = await openFile(link); // the file is still to be made
  t.is((await first.append('a', [fact(1)])).position, 1);
  const refused = await t.throwsAsync(openFile(file), {instanceOf: JournalRefused});
  t.is((refused as JournalRefused | undefined)?.reason, 'held');
  await first[Symbol.asyncDispose]();
  const second = await openFile(file);
  await t.throwsAsync(openFile(link), {instanceOf: JournalRefused});
  await second[Symbol.asyncDispose]();
  t.deepEqual([existsSync(`${file}.mark`), existsSync(`${link}.mark`), existsSync(`${link}.lock`)], [true, false, false]);
  t.deepEqual(verifySqlite(link).problems, []);
});

test('a journal that is written while it is verified is not called damaged', async t => {
  const file = await newFile(t);
  await written(file, 50, 100);
  const writer = spawn(process.execPath, [projectFile('test/helpers/journal-appender.ts'), file], {stdio: 'ignore'});
  const ended = once(writer, 'exit');
  t.teardown(() => {
    writer.kill('SIGKILL');
    return ended;
  });
  const {facts} = verifySqlite(file);
  let verdict = verifySqlite(file);
  for (let more = 0; more < 20; ) {
    const before = verdict.facts;
    verdict = verifySqlite(file);
    if (verdict.facts > before) more++; // it is being written
    if (verdict.problems.length > 0) break;
    await new Promise(resolve => setImmediate(resolve));
  }
  t.deepEqual(verdict.problems, []);
  t.true(verdict.facts > facts);
});

test('what comes after a time is found, though older facts came later', async t => {
  const clock = new ManualClock(1000);
  const file = await newFile(t);
  await using journal = await openFile(file, clock);
  await clock.advance(1000);
  await journal.append('a', [fact(1)]);
  await clock.advance(1000);
  await journal.append('a', [fact(2)]);
  await journal[Symbol.asyncDispose]();
  const imported = new ManualClock(500);
  await using later = await openFile(file, imported);
  await later.append('a', [fact(3)]);
  await imported.advance(1700); // 2200: between the first and the second
  await later.append('a', [fact(4)]);
  const after = await later.before(2100);
  t.deepEqual(numbers(await all(later.scan('a', {after}))), [2, 3, 4]);
});

test('the readable part of a damaged journal is read, and the rest is reported', async t => {
  const file = await newFile(t);
  await written(file, 3, 1);
  const db = new DatabaseSync(file);
  db.exec("UPDATE pack SET body = x'00' WHERE last = (SELECT min(last) FROM pack)");
  db.close();
  using archive = new SqliteArchive(file, new ManualClock());
  const problems: string[] = [];
  const facts = await all(archive.readable(problem => problems.push(problem)));
  t.is(problems.length, 1);
  t.true(facts.length > 0 && facts.length < 6);
  await t.throwsAsync(all(archive.scan('')), {instanceOf: JournalDamaged});
});

test('a damaged payload does not hinder the start; reading it fails, with a line in the log', async t => {
  const file = await newFile(t);
  await written(file, 3);
  const db = new DatabaseSync(file);
  db.exec("UPDATE payload SET bytes = x'00' WHERE name = 'p1'");
  db.close();
  const opening = openFile(file);
  await using journal = await opening;
  t.is((await journal.payload('p0'))?.length, 5000);
  for (let time = 0; time < 2; time++) await t.throwsAsync(journal.payload('p1'), {instanceOf: JournalDamaged, message: /payload p1/});
  const told = opening.log.lines.filter(({message}) => message.includes('is damaged'));
  t.is(told.length, 1);
  t.regex(JSON.stringify(told), /payload p1 is not what was written/);
  t.is((await journal.append('a', [fact(1)])).durability, 'fsync', 'it is written on');
  t.regex(verifySqlite(file).problems.join(), /payload p1/);
});
