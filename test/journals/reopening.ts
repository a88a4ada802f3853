import {execFileSync} from 'node:child_process';
import {existsSync} from 'node:fs';
import {dirname} from 'node:path';
import test from 'ava';
import {projectFile} from '../helpers/core.ts';
import {all, fact, numbers} from '../helpers/journal-suite.ts';
import {newFile, openFile} from '../helpers/sqlite-journal.ts';

/** Another program opens the database, changes something of its own if told to, and closes it. */
const outsider = (file: string, sql = 'SELECT count(*) FROM pack') =>
  execFileSync('python3', [projectFile('test/helpers/sqlite-outsider.py'), file, sql]);

test('a journal that was opened again keeps its locks: another program that closes the file deletes no log', async t => {
  const [file, copy] = [await newFile(t), await newFile(t)];
  await using journal = await openFile(file);
  await journal.append('a', [fact(1)]);
  t.deepEqual(numbers(await all(journal.read('a'))), [1], 'a reader is open from here on');
  outsider(file, "UPDATE meta SET value = value + 1 WHERE key = 'opened'");
  await t.throwsAsync(journal.append('a', [fact(2)]), {code: 'JOURNAL_FAILED'}, 'it is opened again after this');
  await journal.append('a', [fact(3)]);
  outsider(file);
  t.true(existsSync(`${file}-wal`), 'the log of an open journal is not deleted');
  await journal.append('a', [fact(4)]);
  outsider(file);
  await journal.append('a', [fact(5)]);
  execFileSync('cp', ['-r', dirname(file), dirname(copy)]); // what a SIGKILL leaves
  await using next = await openFile(copy);
  t.deepEqual(numbers(await all(next.read('a'))), [1, 3, 4, 5]);
});
