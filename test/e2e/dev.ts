import {once} from 'node:events';
import {rm, writeFile} from 'node:fs/promises';
import net, {type AddressInfo} from 'node:net';
import path from 'node:path';
import test from 'ava';
import {runCli, spawnCli} from '../helpers/core.ts';
import {folderWith} from '../helpers/folder.ts';
import {ask} from '../helpers/request.ts';

const code = (version: number) =>
  `exports.handle = async () => ({body: {version: ${version}, variable: process.env.GREETING, name: process.env.SCW_APPLICATION_NAME}});`;

test('a port that was asked for and is taken is refused with a code of its own', async t => {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const folder = await folderWith(t, {'handler.js': code(1)});
  const {code: exitCode, stderr} = await runCli(['dev', folder, '--port', String((server.address() as AddressInfo).port)]);
  t.is(exitCode, 71);
  t.regex(stderr, /^core-runtime: --port: expected a free port, but something listens on \d+\. /);
});

test('a file of variables that does not exist is refused', async t => {
  const folder = await folderWith(t, {'handler.js': code(1)});
  const {code: exitCode, stderr} = await runCli(['dev', folder, '--env-file=nowhere.env']);
  t.not(exitCode, 0);
  t.regex(stderr, /nowhere\.env/);
});

test('edits are served, a broken one and a removed handler leave the old code, and no request fails', async t => {
  const folder = await folderWith(t, {'handler.js': code(1), '.env': 'GREETING=hello'});
  const handler = path.join(folder, 'handler.js');
  const dev = await spawnCli(['dev', folder, '--name', 'greet'], t);
  const [, url = ''] = /url +(http:\S+)/.exec(await dev.until(/ try .*\n/)) ?? [];
  const answer = async () => {
    const {status, body} = await ask(url);
    t.is(status, 200, String(body));
    return JSON.parse(String(body));
  };
  const served = async (fits: object) => {
    for (let now = await answer(); ; now = await answer()) {
      if (Object.entries(fits).every(([key, value]) => now[key] === value)) return;
    }
  };
  t.deepEqual(await answer(), {version: 1, variable: 'hello', name: 'greet'});

  await writeFile(handler, code(2));
  await served({version: 2});

  await writeFile(handler, 'exports.handle = (');
  await dev.until(/SyntaxError/);
  t.is((await answer()).version, 2);

  await writeFile(handler, code(3));
  await served({version: 3});

  await writeFile(handler, 'for (;;);'); // it never loads: the next edit takes its place
  await writeFile(path.join(folder, '.env'), 'GREETING=good day');
  await writeFile(handler, code(4));
  await served({version: 4, variable: 'good day'});

  await rm(handler);
  await dev.until(/handler\.js/);
  t.is((await answer()).version, 4);
  await writeFile(handler, code(5));
  await served({version: 5});
});

test('with --no-watch the code of the start serves on', async t => {
  const folder = await folderWith(t, {'handler.js': code(1)});
  const dev = await spawnCli(['dev', folder, '--no-watch'], t);
  const [, url = ''] = /url +(http:\S+)/.exec(await dev.until(/ try .*\n/)) ?? [];
  await writeFile(path.join(folder, 'handler.js'), code(2));
  for (let times = 0; times < 20; times++) t.is(JSON.parse(String((await ask(url)).body)).version, 1);
});

test('a replay has the variables that the file has now, as the function that serves has them', async t => {
  const folder = await folderWith(t, {'handler.js': code(1), '.env': 'GREETING=hello'});
  const dev = await spawnCli(['dev', folder], t);
  const printed = await dev.until(/ try .*\n/);
  const [, url = ''] = /url +(http:\S+)/.exec(printed) ?? [];
  const [, api = ''] = /console +(http:\S+)\//.exec(printed) ?? [];
  const id = (await ask(url)).field('core-invocation-id');
  await writeFile(path.join(folder, '.env'), 'GREETING=good day');
  while ((await ask(url)).json().variable !== 'good day');
  const {differences} = (await ask(`${api}/api/invocations/${id}/replay`, {method: 'POST'})).json();
  t.like(differences, [{path: '/variable', expected: '"hello"', actual: '"good day"'}]);
});
