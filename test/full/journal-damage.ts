import {execFileSync} from 'node:child_process';
import {readFileSync, statSync, truncateSync, writeFileSync} from 'node:fs';
import test from 'ava';
import {JournalDamaged} from '../../src/journal.ts';
import {JournalRefused} from '../../src/journals/engine.ts';
import {verifySqlite} from '../../src/journals/sqlite/verify.ts';
import {all} from '../helpers/journal-suite.ts';
import {crashed, flip, newFile, openFile, written} from '../helpers/sqlite-journal.ts';

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

test('a flipped bit in the database is refused at the start or reported when it is read, and found by verify', async t => {
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
