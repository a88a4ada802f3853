import {execFileSync} from 'node:child_process';
import {existsSync, mkdirSync, renameSync, rmSync} from 'node:fs';
import {dirname} from 'node:path';
import test from 'ava';
import {JournalRefused} from '../../src/journals/engine.ts';
import {verifySqlite} from '../../src/journals/sqlite/verify.ts';
import {ManualClock} from '../helpers/clock.ts';
import {all, fact, numbers} from '../helpers/journal-suite.ts';
import {newFile, openFile} from '../helpers/sqlite-journal.ts';

const failed = {code: 'JOURNAL_FAILED'} as const;

for (const [title, reads] of [
  ['nobody reads', false],
  ['a reader is open', true],
] as const) {
  test(`files that were removed while ${title}: the next append is refused, then it begins anew after the old positions`, async t => {
    const file = await newFile(t);
    const opening = openFile(file);
    const journal = await opening;
    for (let number = 1; number <= 3; number++) await journal.append('a', [fact(number)]);
    if (reads) t.is((await all(journal.scan(''))).length, 3);
    execFileSync('sh', ['-c', `rm ${file}*`]);
    await t.throwsAsync(journal.append('a', [fact(4)]), failed);
    t.regex(JSON.stringify(opening.log.lines), /journal\.db is gone/);
    t.false(journal.isDurable);
    const {position} = await journal.append('a', [fact(5)]);
    t.is(position, 4, 'no position is given twice');
    t.true(journal.isDurable);
    t.regex(JSON.stringify(opening.log.lines), /goes on without facts.*facts 1 to 3|facts 1 to 3.*goes on without facts/);
    t.deepEqual(numbers(await all(journal.scan(''))), [5]);
    await journal[Symbol.asyncDispose]();
    t.deepEqual(verifySqlite(file).problems, []);
    await using next = await openFile(file);
    t.is((await next.append('a', [fact(6)])).position, 5);
  });

  test(`a folder that was moved away while ${title}: no other core begins a journal by its path, and nothing is kept twice`, async t => {
    const file = await newFile(t);
    const journal = await openFile(file);
    await journal.append('a', [fact(1)]);
    if (reads) await all(journal.scan(''));
    renameSync(dirname(file), `${dirname(file)}-moved`);
    if (process.platform === 'linux') {
      const refused = await t.throwsAsync(openFile(file), {instanceOf: JournalRefused});
      t.is((refused as JournalRefused | undefined)?.reason, 'held');
      t.regex(refused?.message ?? '', new RegExp(`process ${process.pid} on `));
    }
    await t.throwsAsync(journal.append('a', [fact(2)]), failed);
    await journal.append('a', [fact(3)]);
    await journal[Symbol.asyncDispose]();
    await using moved = await openFile(file.replace('/a/', '/a-moved/'));
    t.deepEqual(numbers(await all(moved.scan(''))), [1], 'what was acknowledged went with the folder');
    await using next = await openFile(file);
    t.deepEqual(numbers(await all(next.scan(''))), [3]);
  });

  for (const end of ['-wal', '-shm', '.mark', '.lock']) {
    test(`${end} that was removed while ${title} is said, and loses nothing`, async t => {
      const [clock, file] = [new ManualClock(), await newFile(t)];
      const opening = openFile(file, clock);
      const journal = await opening;
      for (let number = 1; number <= 3; number++) await journal.append('a', [fact(number)]);
      if (reads) await all(journal.scan(''));
      rmSync(file + end);
      await clock.advance(1000);
      await all(journal.scan('')).catch(() => {}); // behind the look of that second
      t.regex(JSON.stringify(opening.log.lines), new RegExp(`journal\\.db\\${end} is gone`));
      await clock.advance(1000);
      await journal.append('a', [fact(4)]);
      t.true(journal.isDurable);
      t.true(existsSync(file + end), 'there again');
      t.deepEqual(numbers(await all(journal.scan(''))), [1, 2, 3, 4]);
      await t.throwsAsync(openFile(file), {instanceOf: JournalRefused}, 'it is still held');
      await journal[Symbol.asyncDispose]();
      t.deepEqual(verifySqlite(file).problems, []);
    });
  }
}

test('a database that was removed but for its mark is refused as at the start, until it is there again', async t => {
  const [clock, file] = [new ManualClock(), await newFile(t)];
  const opening = openFile(file, clock);
  await using journal = await opening;
  await journal.append('a', [fact(1)]);
  const aside = `${dirname(file)}-aside`;
  mkdirSync(aside);
  execFileSync('sh', ['-c', `mv ${file} ${file}-wal ${file}-shm ${aside}`]);
  await t.throwsAsync(journal.append('a', [fact(2)]), failed);
  await t.throwsAsync(journal.append('a', [fact(3)]), failed);
  t.regex(JSON.stringify(opening.log.lines), /its mark says that it had facts/);
  t.false(journal.isDurable);
  execFileSync('sh', ['-c', `mv ${aside}/* ${dirname(file)}`]);
  await clock.advance(1000);
  await journal.append('a', [fact(4)]);
  t.true(journal.isDurable);
  t.deepEqual(numbers(await all(journal.scan(''))), [1, 4]);
});
