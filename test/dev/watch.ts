import {mkdir, rename, rm, writeFile} from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {systemClock} from '../../src/clock.ts';
import {watchFunction} from '../../src/dev/watch.ts';
import type {Wish} from '../../src/dev/wish.ts';
import {folderWith} from '../helpers/folder.ts';

async function watching(t: ExecutionContext, files: Readonly<Record<string, string>>, handler: string, some: Partial<Wish> = {}) {
  const folder = await folderWith(t, files);
  const reported = new Set<string>();
  let wake = () => {};
  const watch = watchFunction(
    {handlerPath: path.join(folder, handler), folder, isBinary: false, ...some},
    {
      clock: systemClock,
      changed(names) {
        for (const name of names) reported.add(name);
        wake();
      },
      troubled: problem => t.fail(problem),
    },
  );
  t.teardown(() => watch[Symbol.dispose]());
  const at = (name: string) => path.join(folder, name);
  return {
    at,
    edit: (name: string) => writeFile(at(name), String(Math.random())),
    /** Everything that was reported since the last time, once it has this file. */
    async until(name: string): Promise<string[]> {
      while (!reported.has(name)) await new Promise<void>(resolve => (wake = resolve));
      const all = [...reported].sort();
      reported.clear();
      return all;
    },
  };
}

test('packages, hidden folders and files that are no code do not count', async t => {
  const {edit, at, until} = await watching(t, {'handler.js': '', 'node_modules/a/index.js': '', '.git/a.js': ''}, 'handler.js');
  for (const name of ['node_modules/a/index.js', '.git/a.js', 'list.txt', 'list.json', 'handler.js~', '.handler.js.swp']) await edit(name);
  await mkdir(at('node_modules/b'));
  await edit('handler.js');
  t.deepEqual(await until('handler.js'), ['handler.js']);
});

test('the handler, what is beside and below it, and .env count, also those that are new', async t => {
  const {edit, at, until} = await watching(t, {'handler.py': '', 'package/dep/a.py': ''}, 'handler.py');
  for (const name of ['handler.py', 'package/dep/a.py', '.env', 'lib.py']) {
    await edit(name);
    t.deepEqual(await until(name), [name]);
  }
  await mkdir(at('new'));
  await edit('new/b.py');
  await until('new/b.py');
  await edit('new/b.py');
  t.deepEqual(await until('new/b.py'), ['new/b.py']);
});

test('a file that is written again with what it held does not count', async t => {
  const {edit, at, until} = await watching(t, {'handler.js': '', 'generated.js': ''}, 'handler.js');
  await writeFile(at('generated.js'), 'same');
  await until('generated.js');
  await writeFile(at('generated.js'), 'same');
  await edit('handler.js');
  t.deepEqual(await until('handler.js'), ['handler.js']);
});

test('editors that rename, and files that come back, are seen again and again', async t => {
  const {edit, at, until} = await watching(t, {'handler.js': ''}, 'handler.js');
  for (let times = 0; times < 3; times++) {
    await edit('handler.js.tmp');
    await rename(at('handler.js.tmp'), at('handler.js'));
    t.deepEqual(await until('handler.js'), ['handler.js']);
    await rename(at('handler.js'), at('handler.js~'));
    await until('handler.js');
    await rename(at('handler.js~'), at('handler.js'));
    await until('handler.js');
  }
});

test('the folder may be removed and come back', async t => {
  const {edit, at, until} = await watching(t, {'handler.js': ''}, 'handler.js');
  await rm(at(''), {recursive: true});
  await until('handler.js');
  await mkdir(at(''));
  await edit('handler.js');
  await until('handler.js');
  await edit('handler.js');
  t.deepEqual(await until('handler.js'), ['handler.js']);
});

test('of a program only the program counts, and the file with its variables, wherever that is', async t => {
  const other = await folderWith(t, {vars: ''});
  const envFile = path.join(other, 'vars');
  const {edit, at, until} = await watching(t, {handler: '', 'main.go': ''}, 'handler', {isBinary: true, envFile});
  await edit('main.go');
  await edit('handler');
  t.deepEqual(await until('handler'), ['handler']);
  await writeFile(path.join(other, 'other'), '1');
  await writeFile(envFile, 'A=1');
  const name = path.relative(at(''), envFile);
  t.deepEqual(await until(name), [name]);
});

test('what code imports from outside of the folder counts, also what it comes to import', async t => {
  const other = await folderWith(t, {'a.js': '', 'b.js': '', 'c.js': ''});
  const place = path.join(os.tmpdir(), path.basename(other));
  const {at, until} = await watching(t, {'handler.js': ''}, 'handler.js');
  const name = (file: string) => path.relative(at(''), path.join(place, file));
  await writeFile(at('handler.js'), `require('../${path.basename(other)}/a')`);
  await until('handler.js');
  await writeFile(path.join(other, 'c.js'), '1');
  await writeFile(path.join(other, 'a.js'), `require('./b')`);
  t.deepEqual(await until(name('a.js')), [name('a.js')]);
  await writeFile(path.join(other, 'b.js'), '1');
  t.deepEqual(await until(name('b.js')), [name('b.js')]);
});
