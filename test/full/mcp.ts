import {execFile} from 'node:child_process';
import {copyFile, readdir, readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {promisify} from 'node:util';
import test from 'ava';
import {projectFile, startCore} from '../helpers/core.ts';
import {folderWith} from '../helpers/folder.ts';
import {npmInstalls} from '../helpers/npm.ts';
import {startBare} from '../helpers/passthrough.ts';

/* The conformance suite of the Model Context Protocol, asked of a server that stands alone, and of the same behind the core. */

const packages = {'@modelcontextprotocol/conformance': '0.1.16', '@modelcontextprotocol/sdk': '1.32.2'};

test('a server of MCP passes the same checks behind the core as alone', async t => {
  const folder = await folderWith(t, {'package.json': JSON.stringify({private: true, dependencies: packages})});
  if (!(await npmInstalls(t, folder))) return;
  await copyFile(projectFile('test/fixtures/servers/mcp.mjs'), join(folder, 'server.mjs'));

  const command = [process.execPath, 'server.mjs'] as const;
  const bare = await startBare(command, folder);
  t.teardown(() => bare.stop());
  const alone = await judged(folder, 'alone', bare.url);
  const env = {SCW_PUBLIC: 'true', CORE_PROTOCOL: 'http', CORE_COMMAND: JSON.stringify(command)};
  const core = await startCore(env, t, {cwd: folder});
  const behind = await judged(folder, 'behind', core.url);

  t.deepEqual(behind, alone);
  const passed = alone.filter(check => check.endsWith(' SUCCESS'));
  t.log(`${passed.length} checks pass, alone and behind the core`);
  t.is(passed.length, 44);
  t.deepEqual(
    alone.filter(check => check.endsWith(' FAILURE')),
    [],
  );
  t.is(await core.stop(), 0);
});

/** Every check of every scenario with its verdict, in order. */
async function judged(folder: string, name: string, url: string): Promise<string[]> {
  const program = join(folder, 'node_modules/@modelcontextprotocol/conformance/dist/index.js');
  const asked = ['server', '--suite', 'all', '--url', `${url}/mcp`, '--output-dir', name];
  await promisify(execFile)(process.execPath, [program, ...asked], {cwd: folder}).catch(() => {}); // it exits with 1 when a check fails
  const checks: string[] = [];
  for (const file of (await readdir(join(folder, name), {recursive: true})).sort()) {
    if (!file.endsWith('checks.json')) continue;
    const scenario = file.replace(/-\d{4}-\d\d-\d\dT.*$/, '');
    for (const {id, status} of JSON.parse(await readFile(join(folder, name, file), 'utf8'))) checks.push(`${scenario} ${id} ${status}`);
  }
  return checks;
}
