import {execFile} from 'node:child_process';
import {mkdir, mkdtemp, readFile, rm, stat, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {promisify} from 'node:util';
import test from 'ava';
import {build, packageOf, toJavaScript} from '../build.ts';
import {projectFile} from './helpers/core.ts';

const manifest = '{"name":"x","type":"module","bin":{"x":"src/cli.ts"},"scripts":{"a":"b"},"devDependencies":{"c":"1"}}';

/** A project of these files in a folder of its own, built; gives the folder with the result. */
async function built(files: Record<string, string>): Promise<string> {
  const root = await mkdtemp(path.join(tmpdir(), 'build-'));
  for (const folder of ['src', 'middleware', 'triggers', 'runtimes']) await mkdir(path.join(root, folder));
  for (const [file, content] of Object.entries({'package.json': manifest, ...files})) {
    await mkdir(path.dirname(path.join(root, file)), {recursive: true});
    await writeFile(path.join(root, file), content, {mode: file === 'src/cli.ts' ? 0o755 : 0o644});
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
  const failure = await t.throwsAsync(built({'src/cli.ts': "import './gone.ts';"}));
  t.regex(failure?.message ?? '', /named by a module: .*\/dist\/src\/gone\.js$/);
});

test('syntax that cannot be stripped is refused', async t => {
  await t.throwsAsync(built({'src/cli.ts': 'enum Colour {Red}'}), {message: /enum/});
});

test('the built program runs, with its modules, its workers and its other files', async t => {
  const out = await built({
    'src/cli.ts': [
      '#!/usr/bin/env node',
      "import {readFile} from 'node:fs/promises';",
      "import {one, type One} from './one.ts';",
      "import type {Two} from '../triggers/two.ts';",
      "export * from '../triggers/two.ts';",
      "const {two}: Two = await import('../triggers/two.ts');",
      "const text: string = await readFile(new URL('../runtimes/a/bridge.txt', import.meta.url), 'utf8');",
      "const url: URL = new URL('./one.ts', import.meta.url);",
      'const sum: One = one + two;',
      "console.log(sum, text, url.pathname.split('/').at(-1));",
    ].join('\n'),
    'src/one.ts': 'export type One = number;\nexport const one: One = 1;\n',
    'triggers/two.ts': 'export interface Two {two: number}\nexport const two = 2;\n',
    'runtimes/a/bridge.txt': 'bridge',
    'runtimes/a/a_test.go': '',
    'runtimes/a/__pycache__/a.pyc': '',
  });
  t.teardown(() => rm(path.dirname(out), {recursive: true}));

  const {stdout} = await promisify(execFile)(path.join(out, 'src/cli.js'), {
    env: {...process.env, PATH: pathWithNode()},
  });

  t.is(stdout, '3 bridge one.js\n');
  await t.throwsAsync(stat(path.join(out, 'runtimes/a/a_test.go')), {code: 'ENOENT'});
  await t.throwsAsync(stat(path.join(out, 'runtimes/a/__pycache__')), {code: 'ENOENT'});
  t.is(await readFile(path.join(out, 'runtimes/a/bridge.txt'), 'utf8'), 'bridge');
});

test('the journal of the built core finds its thread, which has a file of its own', async t => {
  const out = path.join(await mkdtemp(path.join(tmpdir(), 'build-')), 'dist');
  t.teardown(() => rm(path.dirname(out), {recursive: true}));
  await build(projectFile('.'), out);
  const program = `
    const {SqliteJournal} = await import(process.argv[1] + '/src/journals/sqlite/journal.js');
    const {systemClock: clock} = await import(process.argv[1] + '/src/clock.js');
    const retention = {factsMs: 1e9, payloadsMs: 1e9, maxBytes: 1e9};
    const house = {clock, log: console, meter: {appended() {}, shed() {}, payloadsShed() {}}};
    await using journal = await SqliteJournal.open(process.argv[1] + '/journal.db', retention, house);
    console.log((await journal.append('a', [{type: 'runtime.gave-up', data: {exits: 1, withinMs: 1}}])).durability);
  `;
  const {stdout} = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program, out]);
  t.is(stdout, 'fsync\n');
});

test('lines and columns stay where they are', t => {
  const source = 'interface A {\n  a: number;\n}\nconst a: A = {a: 1}; export {a};\n';
  const {code} = toJavaScript(source);
  t.is(code.split('\n').length, source.split('\n').length);
  t.is(code.indexOf('= {a: 1}'), source.indexOf('= {a: 1}'));
});

test('only the names of our own modules change', t => {
  const source = "import ts from 'x.ts';\nconst handler = './handler.ts';\nimport('./a.ts');\n";
  const {code, modules} = toJavaScript(source);
  t.is(code, "import ts from 'x.ts';\nconst handler = './handler.ts';\nimport('./a.js');\n");
  t.deepEqual(modules, ['./a.js']);
});

test('the built manifest has no scripts and no tools', t => {
  t.deepEqual(JSON.parse(packageOf(manifest)), {name: 'x', type: 'module', bin: {x: 'src/cli.js'}});
});

/** The shebang finds the node that runs this test. */
function pathWithNode(): string {
  return `${path.dirname(process.execPath)}:${process.env.PATH}`;
}
