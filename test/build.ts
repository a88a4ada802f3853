import {execFile, spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {promisify} from 'node:util';
import test from 'ava';
import {build, packageOf} from '../build.ts';
import {libraries} from '../src/admin/console/libraries.ts';
import {linesOf} from '../src/workers/output/lines.ts';
import {projectFile} from './helpers/core.ts';
import {outputOf} from './helpers/process.ts';

const manifest = '{"name":"x","type":"module","bin":{"x":"bin/x.cjs"},"files":["dist"],"scripts":{"a":"b"},"devDependencies":{"c":"1"}}';

/** A project of these files in a folder of its own, built; gives the folder with the result. */
async function built(files: Record<string, string>): Promise<string> {
  const root = await mkdtemp(path.join(tmpdir(), 'build-'));
  for (const folder of ['src', 'middleware', 'triggers', 'protocols', 'runtimes']) await mkdir(path.join(root, folder));
  for (const [file, content] of Object.entries({'package.json': manifest, ...files})) {
    await mkdir(path.dirname(path.join(root, file)), {recursive: true});
    await writeFile(path.join(root, file), content);
  }
  const out = path.join(root, 'dist');
  try {
    await build(root, out);
    return out;
  } catch (error) {
    await rm(root, {recursive: true});
    throw error;
  }
}

test('a module that names a missing one is refused', async t => {
  await t.throwsAsync(built({'src/cli.ts': "import './gone.ts';"}), {message: /Could not resolve "\.\/gone\.ts"/});
  await t.throwsAsync(built({'src/cli.ts': "new URL('./gone.ts', import.meta.url);"}), {message: /src\/gone\.ts/});
  await t.throwsAsync(built({'src/cli.ts': "late('no-such-package');"}), {message: /no-such-package/});
});

test('the built program runs, with its modules, its programs and its other files, each where it was', async t => {
  const out = await built({
    'src/cli.ts': [
      '#!/usr/bin/env node',
      "import {spawnSync} from 'node:child_process';",
      "import {fileURLToPath} from 'node:url';",
      "import {one, type One} from './one.ts';",
      "import {bridge} from '../runtimes/a/adapter.ts';",
      "import type {Two} from '../triggers/b/two.ts';",
      "export * from '../triggers/b/two.ts';",
      "const {two, places}: Two = await import('../triggers/b/two.ts');",
      "const beside = fileURLToPath(new URL('./deep/beside.ts', import.meta.url));",
      'const sum: One = one + two;',
      "console.log(sum, bridge, spawnSync(process.execPath, [beside], {encoding: 'utf8'}).stdout.trim(), ...places);",
    ].join('\n'),
    'src/one.ts': 'export type One = number;\nexport const one: One = 1;\n',
    'src/deep/beside.ts': "import {one} from '../one.ts';\nconsole.log('beside', one);\n",
    'triggers/b/two.ts': [
      "import {basename, relative} from 'node:path';",
      'export interface Two {two: number; places: string[]}',
      'export const two = 2;',
      "export const places = [basename(import.meta.filename), relative(process.argv[1] + '/../..', import.meta.dirname)];",
    ].join('\n'),
    'runtimes/a/adapter.ts': [
      "import {readFileSync} from 'node:fs';",
      "export const bridge: string = readFileSync(new URL('bridge.txt', import.meta.url), 'utf8');",
    ].join('\n'),
    'runtimes/a/bridge.txt': 'bridge',
    'bin/x.cjs': 'command',
    'types/deep/x.d.cts': 'types',
    'runtimes/a/a_test.go': '',
    'runtimes/a/__pycache__/a.pyc': '',
    'templates/a/handler.test.ts': 'import type {Event} from "nowhere";',
    'templates/a/main_test.go': '',
  });
  t.teardown(() => rm(path.dirname(out), {recursive: true, maxRetries: 5}));

  const {stdout} = await promisify(execFile)(process.execPath, [path.join(out, 'src/cli.js')]);

  t.is(stdout, '3 bridge beside 1 two.js triggers/b\n');
  await t.throwsAsync(stat(path.join(out, 'runtimes/a/a_test.go')), {code: 'ENOENT'});
  await t.throwsAsync(stat(path.join(out, 'runtimes/a/__pycache__')), {code: 'ENOENT'});
  t.is(await readFile(path.join(out, 'runtimes/a/bridge.txt'), 'utf8'), 'bridge');
  t.is(await readFile(path.join(out, 'bin/x.cjs'), 'utf8'), 'command');
  t.is(await readFile(path.join(out, 'types/deep/x.d.cts'), 'utf8'), 'types');
  t.deepEqual((await readdir(path.join(out, 'templates/a'))).sort(), ['handler.test.ts', 'main_test.go']);
});

test('the built core serves from its bundle, with a journal in a thread of its own', async t => {
  const folder = await mkdtemp(path.join(tmpdir(), 'build-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  const out = path.join(folder, 'core');
  await build(projectFile('.'), out);
  t.deepEqual((await readdir(path.join(out, 'src/packages'))).sort(), [
    'croner.cjs',
    'jsonwebtoken.cjs',
    'koa.cjs',
    'pg.cjs',
    'undici.cjs',
    'yaml.cjs',
  ]);
  await symlink(projectFile('node_modules'), path.join(out, 'node_modules'));
  const {PATH = '', HOME = ''} = process.env;
  const core = spawn(process.execPath, [path.join(out, 'src/main.js')], {
    env: {
      ...{PATH, HOME, PORT: '0', CORE_ADMIN_PORT: '0', SCW_UPSTREAM_PORT: '0', SCW_PUBLIC: 'true'},
      CORE_DATA_DIR: folder,
      SCW_HANDLER_PATH: projectFile('bench/functions/message.cjs'),
      NODE_DEBUG: 'module', // names every package that is loaded from a folder of packages
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(() => core.kill('SIGKILL'));
  const loaded = outputOf(core.stderr);
  for await (const text of linesOf(core.stdout)) {
    const line = JSON.parse(text);
    if (line.msg !== 'Listening') continue;
    t.deepEqual(await (await fetch(line.url)).json(), {message: 'Executed properly'});
    t.regex(await (await fetch(`${line.admin}/metrics`)).text(), /^core_journal_durable 1$/m);
    t.is((await fetch(`${line.admin}/api/invocations`)).headers.get('content-type'), 'application/json; charset=utf-8');
    core.kill('SIGTERM');
    break;
  }
  core.stdout.resume();
  t.deepEqual(await once(core, 'exit'), [0, null]);
  t.regex(loaded(), /packages\/koa\.cjs/);
  t.notRegex(loaded(), /packages\/undici\.cjs|\/node_modules\//);
});

test('the built manifest has no scripts and no tools, and leaves no file out', t => {
  t.deepEqual(JSON.parse(packageOf(manifest)), {name: 'x', type: 'module', bin: {x: 'bin/x.cjs'}});
});

test('the built console has the packages that it runs in the browser', async t => {
  const out = await built({'src/entrypoint.ts': 'export {};', 'src/console/index.html': '<!doctype html>'});
  t.deepEqual((await readdir(path.join(out, 'src/console/lib'))).sort(), Object.keys(libraries).sort());
});
