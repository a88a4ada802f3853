import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {projectFile, refuseCore, runCli, spawnCli, startCore} from '../helpers/core.ts';
import {freePort} from '../helpers/port.ts';
import {ask} from '../helpers/request.ts';

// A command behind `--`, or in CORE_COMMAND, is the function.

const program = projectFile('test/fixtures/servers/server.cjs');

for (const [value, rule] of [
  ['node server.js', /CORE_COMMAND: expected a JSON list/],
  ['[]', /CORE_COMMAND: expected a JSON list/],
  ['["node",1]', /CORE_COMMAND: expected a JSON list/],
  ['["/nowhere/node"]', /CORE_COMMAND: expected an executable file/],
] as const) {
  test(`is refused: ${value}`, async t => {
    const {code, stderr} = await refuseCore({CORE_COMMAND: value});
    t.is(code, 78);
    t.regex(stderr, rule);
  });
}

test('dev takes a path or a command, and start takes no path', async t => {
  for (const args of [
    ['dev', 'handler.js', '--', 'node', 'server.js'],
    ['start', 'server.js'],
  ]) {
    const {code, stderr} = await runCli(args);
    t.is(code, 64);
    t.regex(stderr, /expected .*a command behind --/);
  }
});

test('a program that is not found is said to be missing', async t => {
  const core = await startCore({CORE_COMMAND: '["no-such-program"]', CORE_PROTOCOL: 'http', SCW_PUBLIC: 'true'}, t);
  const {cause} = (await ask(`${core.adminUrl}/readyz`)).json();
  t.regex(String(cause), /no-such-program was not found in PATH/);
});

test('start -- serves a server, in several processes, too', async t => {
  const {until} = await spawnCli(['start', '--', process.execPath, program], t);
  const [, url] = /"url":"([^"]+)"/.exec(await until(/"msg":"Listening"/)) ?? [];
  t.is((await ask(`${url}/told`)).status, 401); // private, as nothing says that it is public
  const env = {CORE_COMMAND: JSON.stringify([process.execPath, program]), CORE_PROTOCOL: 'http', SCW_PUBLIC: 'true', CORE_PROCESSES: '2'};
  const several = await startCore(env, t);
  for (let times = 0; times < 4; times++) t.is((await ask(`${several.url}/told/x`)).json().url, '/told/x');
});

test('dev -- serves a server, and an edit starts it anew', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'dev-command-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  const file = join(folder, 'server.cjs');
  const text = (word: string) =>
    `require('node:http').createServer((_, response) => response.end('${word}')).listen(process.env.PORT, process.env.HOST)`;
  await writeFile(file, text('one'));
  const port = await freePort();
  const {until} = await spawnCli(['dev', '--port', String(port), '--', process.execPath, file], t, folder);
  await until(/url +http/);
  const url = `http://localhost:${port}/`;
  while ((await ask(url)).text() !== 'one');
  await writeFile(file, text('two'));
  while ((await ask(url)).text() !== 'two') await new Promise(resolve => setTimeout(resolve, 20));
  t.pass();
});
