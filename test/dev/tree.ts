import {mkdir, rename, rm, symlink, utimes, writeFile} from 'node:fs/promises';
import path from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {Tree} from '../../src/dev/tree.ts';
import {folderWith} from '../helpers/folder.ts';

/** A tree whose folders are read when a test says so. Every file with the extension `.js` counts. */
async function grow(t: ExecutionContext, files: Readonly<Record<string, string>>, mostFolders = 10) {
  const root = await folderWith(t, files);
  const problems: string[] = [];
  const tree = new Tree({
    root,
    mostFolders,
    isFolder: place => !place.endsWith('ignored'),
    isFile: place => place.endsWith('.js'),
    touched() {},
    troubled: problem => void problems.push(problem),
  });
  t.teardown(() => tree.close());
  const at = (name: string) => path.join(root, name);
  const read = (name = '') =>
    tree
      .read(at(name))
      .map(file => path.relative(root, file))
      .sort();
  return {at, read, problems};
}

test('nothing differs when nothing was done, or only where nobody looks', async t => {
  const {at, read} = await grow(t, {'a.js': '1', 'b.txt': '1', 'ignored/c.js': '1'});
  await writeFile(at('b.txt'), '2');
  await writeFile(at('ignored/c.js'), '2');
  await mkdir(at('empty'));
  t.deepEqual(read(), []);
});

test('a folder that is not there any more has lost its files, and a link that leads nowhere is no file', async t => {
  const {at, read} = await grow(t, {'a.js': '1', 'lib/b.js': '1', 'lib/deep/c.js': '1'});
  await rm(at('lib'), {recursive: true});
  await symlink(at('nowhere'), at('d.js'));
  t.deepEqual(read('lib'), ['lib/b.js', 'lib/deep/c.js']);
  t.deepEqual(read('lib'), []);
  t.deepEqual(read(), []);
});

test('folders that are linked in a circle are read once', async t => {
  const {at, read} = await grow(t, {'a.js': '1'});
  await symlink(at('.'), at('again'));
  t.deepEqual(read(), []);
});

test('an edit, also one that keeps size and time, a file in place of another, a new one and a removed one differ', async t => {
  const {at, read} = await grow(t, {'edited.js': '1', 'same.js': '1', 'replaced.js': '1', 'removed.js': '1', 'kept.js': '1'});
  const past = new Date(0);
  await utimes(at('same.js'), past, past);
  t.deepEqual(read(), ['same.js']);
  await writeFile(at('edited.js'), '22');
  await writeFile(at('same.js'), '2');
  await utimes(at('same.js'), past, past);
  await writeFile(at('new'), '2');
  await rename(at('new'), at('replaced.js'));
  await rm(at('removed.js'));
  await writeFile(at('added.js'), '1');
  t.deepEqual(read(), ['added.js', 'edited.js', 'removed.js', 'replaced.js', 'same.js']);
  t.deepEqual(read(), []);
});

test('a folder that is new, or stands in place of another, is read with those below it', async t => {
  const {at, read} = await grow(t, {'lib/a.js': '1'});
  await mkdir(at('new/deep'), {recursive: true});
  await writeFile(at('new/deep/b.js'), '1');
  t.deepEqual(read(), ['new/deep/b.js']);
  await rename(at('lib'), at('old'));
  await mkdir(at('lib'));
  await writeFile(at('lib/a.js'), '2');
  t.deepEqual(read(), ['lib/a.js', 'old/a.js']);
  await writeFile(at('lib/a.js'), '33');
  t.deepEqual(read('lib'), ['lib/a.js']);
});

test('the folder itself may be removed and come back', async t => {
  const {at, read} = await grow(t, {'a.js': '1'});
  await rm(at(''), {recursive: true});
  t.deepEqual(read(), ['a.js']);
  await mkdir(at(''));
  await writeFile(at('a.js'), '1');
  t.deepEqual(read(), ['a.js']);
});

test('of a folder with very many, such as a home directory, some are not watched, which is said', async t => {
  const {at, read, problems} = await grow(t, {'a.js': '1', 'b/b.js': '1'}, 2);
  await mkdir(at('c'));
  read();
  t.regex(problems[0] ?? '', /^\/\S+ has more than 2 folders: edits in the others are not seen$/);
  await writeFile(at('a.js'), '2');
  t.deepEqual(read(), ['a.js']);
});
