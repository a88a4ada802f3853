import {mkdtempSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {makeFolders} from '../src/folders.ts';

function folderOf(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'folders-'));
  t.teardown(() => rmSync(folder, {recursive: true, maxRetries: 5}));
  return folder;
}

test('where the file system has no new folders, the error of the system comes at once', t => {
  t.throws(() => makeFolders('/proc/x/y'), {code: 'ENOENT'});
});

test('a file in the way is an error', t => {
  const folder = folderOf(t);
  writeFileSync(join(folder, 'file'), '');
  t.throws(() => makeFolders(join(folder, 'file/a/b')), {code: 'ENOTDIR'});
});

test('the folders that do not exist are made, with the mode; those that do stay as they are', t => {
  const folder = folderOf(t);
  makeFolders(join(folder, 'a/b/c'), 0o700);
  makeFolders(join(folder, 'a/b/c'), 0o755);
  for (const each of ['a', 'a/b', 'a/b/c']) t.is(statSync(join(folder, each)).mode & 0o777, 0o700);
});
