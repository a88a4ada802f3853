import {execFile, spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdir, mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {promisify} from 'node:util';
import test from 'ava';
import {build} from '../../build.ts';
import {linesOf} from '../../src/workers/output/lines.ts';
import {projectFile} from '../helpers/core.ts';
import {ask} from '../helpers/request.ts';

/*
Node strips no types under node_modules: what is published is JavaScript. Here it is packed, installed into an empty
folder as a user would, and run from there.
*/

const run = promisify(execFile);
let folder: string;
let env: Record<string, string>;

test.before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'package-'));
  const {PATH = '', HOME = '', NODE_EXTRA_CA_CERTS} = process.env;
  env = {PATH: `${path.join(folder, 'node_modules/.bin')}:${path.dirname(process.execPath)}:${PATH}`, HOME};
  const built = path.join(folder, 'built');
  await build(projectFile('.'), built);
  await run('npm', ['pack', '--pack-destination', folder], {cwd: built, env});
  const {name, version} = JSON.parse((await run('npm', ['pkg', 'get', 'name', 'version'], {cwd: built, env})).stdout);
  await rm(built, {recursive: true});
  await writeFile(path.join(folder, 'package.json'), '{"private": true}');
  const tarball = path.join(folder, `${name}-${version}.tgz`);
  // A registry may be reached through a proxy with a certificate of its own.
  const trusting = {...env, ...(NODE_EXTRA_CA_CERTS && {NODE_EXTRA_CA_CERTS})};
  await run('npm', ['install', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', tarball], {cwd: folder, env: trusting});
});
test.after.always(() => folder && rm(folder, {recursive: true}));

test('a bad setting is refused by its name', async t => {
  const refused = await t.throwsAsync(run('core-runtime', ['config'], {cwd: folder, env: {...env, CORE_WORKERS: 'many'}}));
  t.regex((refused as Error & {stderr: string}).stderr, /CORE_WORKERS/);
});

test('the command prints its settings', async t => {
  t.regex((await run('core-runtime', ['config', '--markdown'], {cwd: folder, env})).stdout, /`SCW_HANDLER_PATH`/);
});

for (const [language, file, handler] of [
  ['Node', 'handler.cjs', 'exports.handle = event => ({body: {path: event.path}});'],
  ['TypeScript', 'handler.ts', 'export const handle = (event: {path: string}) => ({body: {path: event.path}});'],
  ['Python', 'handler.py', 'def handle(event, context):\n    return {"body": {"path": event["path"]}}\n'],
]) {
  test(`the command serves a function in ${language}, and stops cleanly`, async t => {
    const home = path.join(folder, `function-${language}`);
    await mkdir(home);
    await writeFile(path.join(home, file ?? ''), handler ?? '');
    const core = spawn('core-runtime', ['start'], {
      cwd: home,
      env: {
        ...env,
        SCW_PUBLIC: 'true',
        SCW_HANDLER_PATH: path.join(home, file ?? ''),
        PORT: '0',
        CORE_ADMIN_PORT: '0',
        SCW_UPSTREAM_PORT: '0',
        CORE_JOURNAL: 'memory:',
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(core, 'exit');
    t.teardown(() => {
      core.kill('SIGTERM');
      return ended;
    });
    for await (const text of linesOf(core.stdout)) {
      const line = JSON.parse(text);
      if (line.msg !== 'Listening') continue;
      t.deepEqual((await ask(`${line.url}/a`)).json(), {path: '/a'});
      core.kill('SIGTERM');
    }
    t.deepEqual(await ended, [0, null]);
  });
}
