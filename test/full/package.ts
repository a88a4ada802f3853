import {execFile, spawn} from 'node:child_process';
import {once} from 'node:events';
import {existsSync} from 'node:fs';
import {mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {promisify} from 'node:util';
import test from 'ava';
import {projectFile} from '../helpers/core.ts';
import {works} from '../helpers/installed.ts';
import {below, gone, outputOf, signalTo} from '../helpers/process.ts';
import {closed, problems} from '../helpers/schema.ts';

/*
The package as its users have it: packed, installed into an empty folder with a cache of npm, and run from there, by a Node
that can run it and by one that is too old.
*/

const run = promisify(execFile);
const node20 = works(path.join(process.env.CORE_TEST_NODES ?? '', 'node-20'));
let folder: string;
let installed: string;
let tarball: string;
/** What a person has whose `node` is the one of this name. */
let environments: Readonly<Record<string, Record<string, string>>>;

test.before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'package-'));
  installed = path.join(folder, 'node_modules/core-runtime');
  const {PATH = '', HOME = '', NODE_EXTRA_CA_CERTS} = process.env;
  // A registry may be reached through a proxy with a certificate of its own.
  const home = {HOME, CORE_JOURNAL: 'memory:', PORT: '0', CORE_ADMIN_PORT: '0', ...(NODE_EXTRA_CA_CERTS && {NODE_EXTRA_CA_CERTS})};
  const withNode = async (name: string, binary: string) => {
    await mkdir(path.join(folder, name));
    await symlink(binary, path.join(folder, name, 'node'));
    return [name, {...home, PATH: `${path.join(folder, name)}:${PATH}`}] as const;
  };
  const nodes = [await withNode('Node 26', process.execPath), ...(node20 ? [await withNode('Node 20', node20)] : [])];
  environments = Object.fromEntries(nodes);
  const env = environments['Node 26'];
  const {stdout} = await run('npm', ['pack', '--json', '--pack-destination', folder], {cwd: projectFile('.'), env});
  const [{filename}] = Object.values(JSON.parse(stdout)) as [{filename: string}];
  tarball = path.join(folder, filename);
  await writeFile(path.join(folder, 'package.json'), '{"private": true}');
  // Without scripts: nothing that the package needs may depend on them, as npm asks before it runs those of dependencies.
  const options = ['--save-dev', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund'];
  await run('npm', ['install', ...options, tarball], {cwd: folder, env});
});
test.after.always(() => folder && rm(folder, {recursive: true}));

test('a bad setting is refused by its name', async t => {
  const env = {...environments['Node 26'], CORE_WORKERS: 'many'};
  const refused = await t.throwsAsync(run('npx', ['core-runtime', 'config'], {cwd: folder, env}));
  t.regex((refused as Error & {stderr: string}).stderr, /CORE_WORKERS/);
});

test('the package has what was built, and nothing that is for working on the project', async t => {
  t.deepEqual((await readdir(installed)).sort(), [
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'bin',
    'dist',
    'package.json',
    'schemas',
    'types',
  ]);
  const built = await readdir(projectFile('dist'), {withFileTypes: true, recursive: true});
  const files = built
    .filter(entry => entry.isFile())
    .map(entry => path.relative(projectFile('dist'), path.join(entry.parentPath, entry.name)));
  t.true(files.includes('src/cli.js') && files.includes('runtimes/python/bridge.py'));
  t.deepEqual(
    files.filter(file => !existsSync(path.join(installed, 'dist', file)) && !existsSync(path.join(installed, file))),
    [],
  );
});

test('the command prints its settings', async t => {
  const {stdout} = await run('npx', ['core-runtime', 'config', '--markdown'], {cwd: folder, env: environments['Node 26']});
  t.regex(stdout, /`SCW_HANDLER_PATH`/);
});

test('a handler compiles with the types of the package', async t => {
  const text = "import type {Event, Handler} from 'core-runtime';\nexport const handle: Handler = ({path}: Event) => ({body: {path}});\n";
  await writeFile(path.join(folder, 'typed.ts'), text);
  const tsc = projectFile('node_modules/.bin/tsc');
  await t.notThrowsAsync(run(tsc, ['--ignoreConfig', '--strict', '--noEmit', '--module', 'nodenext', 'typed.ts'], {cwd: folder}));
});

test('a new function is written from the package, its test passes and it answers', async t => {
  const env = environments['Node 26'];
  await run('npx', ['core-runtime', 'init', 'typescript', 'hello'], {cwd: folder, env});
  const hello = path.join(folder, 'hello');
  t.true(existsSync(path.join(hello, '.gitignore')));
  await t.notThrowsAsync(run('npm', ['test'], {cwd: hello, env}));
  const {stdout} = await run('npx', ['core-runtime', 'invoke', '--query', 'name=Ada'], {cwd: hello, env});
  t.is(JSON.parse(stdout).message, 'Hello, Ada!');
  await run('npx', ['core-runtime', 'init', 'go', 'hello-go'], {cwd: folder, env});
  t.true((await readdir(path.join(folder, 'hello-go/core-runtime'))).includes('start.go'));
});

for (const [language, file, text] of [
  ['Node', 'handler.cjs', 'exports.handle = (event, context) => ({event, context});'],
  ['Python', 'handler.py', 'def handle(event, context):\n    return {"event": event, "context": context}\n'],
] as const) {
  test(`what a function in ${language} gets is as the schemas of the package say`, async t => {
    const home = await mkdtemp(path.join(folder, 'function-'));
    await writeFile(path.join(home, file), text);
    const core = await serve(path.join(home, file), ['node_modules/.bin/core-runtime', 'dev'], 'Node 26');
    t.teardown(core.kill);
    const schemas = await Promise.all(
      ['event', 'context'].map(async name => JSON.parse(await readFile(path.join(installed, `schemas/${name}.json`), 'utf8'))),
    );
    for (const curl of [[`${core.url}/`], ['-d', 'hi', `${core.url}/a%20b?q=1&q=2`]]) {
      const {stdout} = await run('curl', ['-sS', ...curl]);
      const {event, context} = JSON.parse(stdout);
      t.deepEqual([...problems(closed(schemas[0]), event), ...problems(closed(schemas[1]), context)], []);
    }
  });
}

test('a global installation is the same command, from anywhere, and leaves node alone', async t => {
  const prefix = path.join(folder, 'global');
  const node = node20 ? 'Node 20' : 'Node 26';
  const env = {...environments[node], PATH: `${prefix}/bin:${environments[node]?.PATH}`};
  const before = (await run('node', ['--version'], {env})).stdout;
  const options = ['--global', '--prefix', prefix, '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund'];
  await run('npm', ['install', ...options, tarball], {cwd: tmpdir(), env});
  t.regex((await run('core-runtime', ['--version'], {cwd: tmpdir(), env})).stdout, /^\d+\.\d+\.\d+\n$/);
  t.is((await run('node', ['--version'], {env})).stdout, before);
});

const handlers = {
  Node: ['handler.cjs', 'exports.handle = event => ({body: {path: event.path}});'],
  TypeScript: ['handler.ts', 'export const handle = (event: {path: string}) => ({body: {path: event.path}});'],
  Python: ['handler.py', 'def handle(event, context):\n    return {"body": {"path": event["path"]}}\n'],
} as const;

for (const [node, command, language, signal] of [
  ['Node 26', ['npx', 'core-runtime'], 'Node', 'SIGINT'],
  ['Node 26', ['node_modules/.bin/core-runtime'], 'TypeScript', 'SIGTERM'],
  ['Node 26', ['npm', 'exec', 'core-runtime', '--'], 'Python', 'SIGINT'],
  ['Node 20', ['npx', 'core-runtime'], 'Node', 'SIGINT'],
  ['Node 20', ['node_modules/.bin/core-runtime'], 'TypeScript', 'SIGINT'],
  ['Node 20', ['node_modules/.bin/core-runtime'], 'Python', 'SIGTERM'],
] as const) {
  const withNode = node === 'Node 20' && node20 === undefined ? test.skip : test;
  withNode(`with ${node}, ${command.join(' ')} serves a function in ${language}, and stops cleanly by ${signal}`, async t => {
    t.regex(
      (await run(command[0], [...command.slice(1), '--version'], {cwd: folder, env: environments[node]})).stdout,
      /^\d+\.\d+\.\d+\n$/,
    );
    const [file, text] = handlers[language];
    const handler = path.join(await mkdtemp(path.join(folder, 'function-')), file);
    await writeFile(handler, text);
    const core = await serve(handler, [...command, 'dev'], node);
    t.teardown(core.kill);
    t.deepEqual(JSON.parse((await run('curl', ['-sS', `${core.url}/a`])).stdout), {path: '/a'});
    const pids = core.processes();
    t.true(pids.length >= 2, 'the core and the function');
    core.signal(signal);
    await core.ended;
    for (const pid of pids) await gone(pid);
    t.is(core.stderr(), '');
  });
}

/** Starts a command on a handler, in a group of processes of its own, as a terminal does. */
async function serve(handler: string, [program = '', ...args]: readonly string[], node: string) {
  const child = spawn(program, [...args, handler], {
    cwd: folder,
    env: environments[node],
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'exit');
  const output = outputOf(child.stdout);
  const errors = outputOf(child.stderr);
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', () => {
      const [, found] = /^ *url +(http:\S+)$/m.exec(output()) ?? [];
      if (found !== undefined) resolve(found);
    });
    child.once('exit', code => reject(new Error(`It ended with ${code}: ${output()}${errors()}`)));
  });
  const signal = (name: NodeJS.Signals) => signalTo(-(child.pid ?? 0), name);
  return {
    url,
    ended,
    signal,
    stderr: errors,
    /** It and all that it started. */
    processes: () => [child.pid ?? 0, ...below(child.pid ?? 0)],
    async kill() {
      if (child.exitCode === null && child.signalCode === null) signal('SIGKILL');
      await ended;
    },
  };
}
