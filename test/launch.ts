import {type ChildProcess, execFile, spawn} from 'node:child_process';
import {once} from 'node:events';
import {copyFile, cp, mkdir, mkdtemp, readlink, rm, symlink, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {promisify} from 'node:util';
import test, {type ExecutionContext} from 'ava';
import {projectFile} from './helpers/core.ts';
import {outputOf} from './helpers/process.ts';

/*
The command finds a Node that can run it. Here the Node that starts it only says that it is old; all else is real, in a
package of a few files.
*/

/** Makes a Node say that it is another version. */
const claim = (version: string) => `Object.defineProperty(process, 'versions', {value: {...process.versions, node: '${version}'}});`;
const node20 = claim('20.20.2');
const packageOfNode = process.platform === 'linux' ? `node-linux-${process.arch}` : `node-bin-darwin-${process.arch}`;
const installed = path.join('node_modules', packageOfNode);

/** A package with these files; gives its folder. */
async function packageWith(t: ExecutionContext, files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'launch-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  await cp(projectFile('bin'), path.join(folder, 'bin'), {recursive: true});
  for (const [file, content] of Object.entries({'package.json': '{"type": "module"}', ...files})) {
    await mkdir(path.join(folder, path.dirname(file)), {recursive: true});
    await writeFile(path.join(folder, file), content, {mode: 0o755});
  }
  return folder;
}

/** The same, with the real Node installed in it. */
async function packageWithNode(t: ExecutionContext, program: string): Promise<string> {
  const folder = await packageWith(t, {'dist/src/cli.js': program, [`${installed}/package.json`]: '{}'});
  await mkdir(path.join(folder, installed, 'bin'));
  await symlink(process.execPath, path.join(folder, installed, 'bin/node'));
  return folder;
}

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command of a package; `before` runs first in the Node that starts it. */
async function start(folder: string, before: string, args: readonly string[] = []): Promise<{child: ChildProcess; ended: Promise<Ended>}> {
  const first = path.join(folder, 'before.cjs');
  await writeFile(first, before);
  const child = spawn(process.execPath, ['--require', first, path.join(folder, 'bin/core-runtime.cjs'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stdout = outputOf(child.stdout);
  const stderr = outputOf(child.stderr);
  return {child, ended: once(child, 'close').then(([code, signal]) => ({code, signal, stdout: stdout(), stderr: stderr()}))};
}

const run = async (folder: string, before: string, args?: readonly string[]) => (await start(folder, before, args)).ended;

for (const version of ['18.19.1', '20.20.2', '24.15.0', '25.9.0', '26.0.0']) {
  test(`without a Node of its own the command refuses ${version} in one sentence`, async t => {
    const folder = await packageWith(t, {'dist/src/cli.js': 'console.log("ran")'});
    const {code, stdout, stderr} = await run(folder, claim(version));
    t.is(code, 69);
    t.is(stdout, '');
    t.regex(stderr, /^core-runtime: needs Node 24\.16 or later, but not 25, or 26\.1 or later, and this is Node [\d.]+: .*optional.*\n$/);
    t.true(stderr.includes(`this is Node ${version}:`));
  });
}

test('a Node that came along and does not run here is no Node', async t => {
  const broken = {[`${installed}/package.json`]: '{}', [`${installed}/bin/node`]: '#!/no/such/loader\n'};
  const {code, stderr} = await run(await packageWith(t, {'dist/src/cli.js': '', ...broken}), node20);
  t.is(code, 69);
  t.regex(stderr, /^core-runtime: needs Node [^\n]*\n$/);
});

test('on another system no package is named', async t => {
  const folder = await packageWith(t, {'dist/src/cli.js': ''});
  const {stderr} = await run(folder, `${node20} Object.defineProperty(process, 'platform', {value: 'plan9'});`);
  t.regex(stderr, /: install a newer Node\n$/);
});

for (const version of ['24.16.0', '26.1.0', '27.0.0']) {
  test(`Node ${version} runs the program itself, with its arguments`, async t => {
    const folder = await packageWith(t, {'dist/src/cli.js': 'console.log(process.ppid, ...process.argv.slice(2))'});
    t.deepEqual(await run(folder, claim(version), ['dev', 'a b']), {code: 0, signal: null, stdout: `${process.pid} dev a b\n`, stderr: ''});
  });
}

test('the command itself sees an option that Node knows, too, in whatever Node it runs', async t => {
  const folder = await packageWithNode(t, 'console.log(...process.argv.slice(2))');
  const args = ['dev', '--env-file', 'no where'];
  const PATH = `${path.join(folder, installed, 'bin')}:${process.env.PATH}`;
  const {stdout} = await promisify(execFile)(path.join(folder, 'bin/core-runtime.cjs'), args, {env: {PATH}, cwd: folder});
  t.is(stdout, 'dev --env-file no where\n');
  await writeFile(path.join(folder, 'old.cjs'), node20);
  const old = await promisify(execFile)(path.join(folder, 'bin/core-runtime.cjs'), args, {
    env: {PATH, NODE_OPTIONS: `--require ${path.join(folder, 'old.cjs')}`},
  });
  t.is(old.stdout, 'dev --env-file no where\n');
});

test('an older Node runs the program in the Node that came along, and ends with its exit code', async t => {
  const folder = await packageWithNode(t, 'console.log(process.versions.node, ...process.argv.slice(2)); process.exitCode = 78;');
  const ended = await run(folder, node20, ['dev', 'a b']);
  t.deepEqual(ended, {code: 78, signal: null, stdout: `${process.versions.node} dev a b\n`, stderr: ''});
});

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  test(`${signal} reaches a program in the Node that came along`, async t => {
    const program = `process.on('${signal}', () => process.exit(7)); setInterval(() => {}, 1000); console.log('ready');`;
    const {child, ended} = await start(await packageWithNode(t, program), node20);
    await once(child.stdout ?? child, 'data');
    child.kill(signal);
    t.like(await ended, {code: 7, signal: null});
  });
}

test('a program that a signal ends, ends the command by that signal', async t => {
  const folder = await packageWithNode(t, "process.kill(process.pid, 'SIGKILL')");
  t.like(await run(folder, node20), {code: null, signal: 'SIGKILL'});
});

test('`node src/main.ts` says what is needed where Node refuses TypeScript, and starts the core where it does not', async t => {
  const folder = await packageWith(t, {'src/entrypoint.ts': "const from: string = 'core'; console.log(from);"});
  await copyFile(projectFile('src/main.cjs'), path.join(folder, 'src/main.cjs'));
  await symlink(await readlink(projectFile('src/main.ts')), path.join(folder, 'src/main.ts'));
  const without = path.join(folder, 'before.cjs');
  const main = ['--no-strip-types', '--require', without, path.join(folder, 'src/main.ts')];
  await writeFile(without, node20);
  const refused = await t.throwsAsync(promisify(execFile)(process.execPath, main));
  t.regex((refused as Error & {stderr: string}).stderr, /^core-runtime: needs Node [^\n]*\n$/);
  t.is((await promisify(execFile)(process.execPath, [path.join(folder, 'src/main.ts')])).stdout, 'core\n');
});

test('the sources of a checkout come before what was built of them', async t => {
  const folder = await packageWith(t, {
    'src/cli.ts': "const from: string = 'source'; console.log(from);",
    'dist/src/cli.js': 'console.log("built")',
  });
  t.is((await run(folder, '')).stdout, 'source\n');
});
