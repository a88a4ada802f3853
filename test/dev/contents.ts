import {rm, writeFile} from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import {Contents} from '../../src/dev/contents.ts';
import {folderWith} from '../helpers/folder.ts';

test('a file that is written with what it held is not new', async t => {
  const file = path.join(await folderWith(t, {'a.js': 'one'}), 'a.js');
  const contents = new Contents();
  t.true(contents.isNew(file), 'what it held before is not known');
  await writeFile(file, 'one');
  t.false(contents.isNew(file));
  await writeFile(file, 'two');
  t.true(contents.isNew(file));
  await writeFile(file, 'one');
  t.true(contents.isNew(file));
});

test('a file that is gone, and one that comes back, are new', async t => {
  const file = path.join(await folderWith(t, {'a.js': 'one'}), 'a.js');
  const contents = new Contents();
  contents.isNew(file);
  await rm(file);
  t.true(contents.isNew(file));
  await writeFile(file, 'one');
  t.true(contents.isNew(file));
});

test('a file of more than a mebibyte is new each time', async t => {
  const file = path.join(await folderWith(t, {'a.js': 'x'.repeat(2 ** 20 + 1)}), 'a.js');
  const contents = new Contents();
  t.true(contents.isNew(file));
  t.true(contents.isNew(file));
});
