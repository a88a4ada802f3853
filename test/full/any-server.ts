import {execFile} from 'node:child_process';
import {cp} from 'node:fs/promises';
import {join} from 'node:path';
import {promisify} from 'node:util';
import test, {type ExecutionContext} from 'ava';
import {projectFile, startCore} from '../helpers/core.ts';
import {folderWith} from '../helpers/folder.ts';
import {ask} from '../helpers/request.ts';

/* Servers of other frameworks and languages behind the core, as their package managers install them. */

/** The example in a folder of its own, prepared. Undefined, with the reason in the log, where something is missing. */
async function prepared(t: ExecutionContext, name: string, ...commands: readonly (readonly [string, ...string[]])[]) {
  t.timeout(10 * 60_000, 'packages are fetched, or a standard library is compiled');
  const folder = await folderWith(t, {});
  await cp(projectFile(`examples/15-any-server/${name}`), folder, {recursive: true});
  try {
    for (const [file, ...args] of commands) await promisify(execFile)(file, args, {cwd: folder});
    return folder;
  } catch (error) {
    t.log(`skipped: ${String(error).slice(0, 500)}`);
    t.pass();
    return undefined;
  }
}

/** The core in front of it, with nothing but its command. */
async function greets(t: ExecutionContext, command: readonly string[], folder: string, greeting: RegExp) {
  const env = {SCW_PUBLIC: 'true', CORE_PROTOCOL: 'http', CORE_COMMAND: JSON.stringify(command)};
  const core = await startCore(env, t, {cwd: folder});
  t.regex((await ask(`${core.url}/hello?name=Ada`)).text(), greeting);
  const body = Buffer.alloc(5_000_000);
  for (const chunked of [false, true]) t.regex((await ask(`${core.url}/count`, {method: 'POST', body, chunked})).text(), /5000000/);
  t.is((await ask(`${core.url}/nowhere`)).status, 404);
  t.false(core.logs.some(({msg}) => /listens beyond loopback/.test(msg)));
  t.is(await core.stop(), 0);
}

test('Express', async t => {
  const folder = await prepared(t, 'express', ['npm', 'install', '--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts']);
  if (folder) await greets(t, [process.execPath, 'server.mjs'], folder, /^Hello, Ada!/);
});

test('net/http of Go', async t => {
  const folder = await prepared(t, 'go', ['go', 'build', '-o', 'server', '.']);
  if (folder) await greets(t, [join(folder, 'server')], folder, /^Hello, Ada!/);
});

test('FastAPI, by uvicorn', async t => {
  const pip = ['venv/bin/pip', 'install', '--quiet', '--disable-pip-version-check', '-r', 'requirements.txt'] as const;
  const folder = await prepared(t, 'fastapi', ['python3', '-m', 'venv', 'venv'], pip);
  if (folder) await greets(t, [join(folder, 'venv/bin/uvicorn'), 'app:app'], folder, /"hello":"Ada"/);
});
