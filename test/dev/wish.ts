import {mkdir} from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import {environmentOf, sourcesOf, type Wish} from '../../src/dev/wish.ts';
import {folderWith} from '../helpers/folder.ts';

const wish = (folder: string, some: Partial<Wish> = {}): Wish => ({
  handlerPath: path.join(folder, 'handler.js'),
  folder,
  isBinary: false,
  ...some,
});

test('an --env-file that does not exist, is a folder or is huge is refused', async t => {
  const folder = await folderWith(t, {huge: 'a'.repeat(2 ** 20 + 1)});
  await mkdir(path.join(folder, 'folder'));
  const refused = (name: string, message: RegExp) =>
    t.throws(() => environmentOf(wish(folder, {envFile: path.join(folder, name)}), {}), {message});
  refused('nowhere', /^--env-file: expected a file with lines such as NAME=value, got `\S+nowhere`, which does not exist$/);
  refused('folder', /^\S+folder: expected a file of at most 1 MiB/);
  refused('huge', /^\S+huge: expected a file of at most 1 MiB/);
});

test('a folder called .env, such as a Python environment, is no file with variables', async t => {
  const folder = await folderWith(t, {'.env/pyvenv.cfg': ''});
  t.is(environmentOf(wish(folder), {}).SCW_PUBLIC, 'true');
});

test('the command line comes before the environment, then .env, then the manifest, then defaults', async t => {
  const folder = await folderWith(t, {'.env': 'A=file\nB=file\nC=file\nPORT=1\nCORE_HOST=::1\n'});
  const env = environmentOf(wish(folder, {port: 3, variables: {A: 'manifest', D: 'manifest', SCW_PUBLIC: 'false'}}), {
    B: 'environment',
    PORT: '2',
  });
  t.like(env, {A: 'file', B: 'environment', C: 'file', D: 'manifest', PORT: '3', CORE_HOST: '::1', SCW_PUBLIC: 'false'});
});

test('the sources of the variables are told apart', async t => {
  const folder = await folderWith(t, {'.env': 'A=file\nB=file\nC=file\nCORE_HOST=::1\n'});
  const declared = {name: 'greet', variables: {A: '1', D: '2', CORE_JOURNAL: 'memory:'}, declared: ['SCW_APPLICATION_NAME', 'A', 'D']};
  const sources = sourcesOf(wish(folder, {port: 3, settings: {E: '1'}, ...declared}), {B: '1', PORT: '2'});
  t.like(sources, {
    A: 'env-file',
    B: 'environment',
    C: 'env-file',
    D: 'manifest',
    E: 'command',
    PORT: 'command',
    CORE_HOST: 'env-file',
    CORE_JOURNAL: 'command',
    SCW_APPLICATION_NAME: 'manifest',
    SCW_HANDLER_PATH: 'command',
    SCW_PUBLIC: 'command',
  });
});

test('--env-file is read instead of .env, and anew each time', async t => {
  const folder = await folderWith(t, {'.env': 'A=1', other: 'B="two words" # why'});
  const env = environmentOf(wish(folder, {envFile: path.join(folder, 'other')}), {});
  t.like(env, {A: undefined, B: 'two words'});
});

test('a function listens on loopback, publicly, and is called like its folder', async t => {
  const folder = await folderWith(t, {});
  t.like(environmentOf(wish(folder), {}), {CORE_HOST: '127.0.0.1', SCW_PUBLIC: 'true', SCW_APPLICATION_NAME: path.basename(folder)});
  t.like(
    environmentOf(wish(folder, {host: '0.0.0.0', isPrivate: true, name: 'greet', isBinary: true}), {SCW_PUBLIC: 'true', CORE_HOST: '::1'}),
    {
      CORE_HOST: '0.0.0.0',
      SCW_PUBLIC: 'false',
      SCW_APPLICATION_NAME: 'greet',
      SCW_HANDLER_IS_BINARY: 'true',
    },
  );
});
