import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {readFileSync} from 'node:fs';
import test, {type ExecutionContext} from 'ava';
import {projectFile} from '../helpers/core.ts';
import {freePort} from '../helpers/port.ts';
import {gone, isAlive} from '../helpers/process.ts';
import {cliProgram} from '../helpers/programs.ts';
import {ask} from '../helpers/request.ts';

const handler = projectFile('test/fixtures/functions/core/mirror.cjs');
const dev = [process.execPath, cliProgram, 'dev', handler];
/** npm's shell: it waits for what it started. */
const shell = ['/bin/sh', '-c', '"$0" "$@"; exit'];

/** `dev`, started by a process of this title through so many more. Gone when the test ends. */
async function startBy(t: ExecutionContext, title: string, command: readonly string[]) {
  const port = await freePort();
  const program = `process.title = ${JSON.stringify(title)};
    require('child_process').spawn(process.argv[1], process.argv.slice(2), {stdio: 'inherit'}); setInterval(() => {}, 1000);`;
  const launcher = spawn(process.execPath, ['-e', program, ...command], {
    env: {PATH: process.env.PATH ?? '', PORT: String(port), CORE_ADMIN_PORT: '0', CORE_JOURNAL: 'memory:'},
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  for await (const chunk of launcher.stdout) {
    text += chunk;
    if (/ try /.test(text)) break;
  }
  const url = `http://127.0.0.1:${port}`;
  const {pid: functionPid} = (await ask(`${url}/?do=pid`)).json();
  const pid = Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${functionPid}/status`, 'utf8'))?.[1]);
  t.teardown(async () => {
    for (const each of [pid, launcher.pid ?? 0]) if (isAlive(each)) process.kill(each, 'SIGKILL');
    await gone(pid);
  });
  return {url, pid, functionPid, launcher};
}

async function kill(launcher: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const ended = once(launcher, 'exit');
  launcher.kill(signal);
  await ended;
}

for (const [title, command] of [
  ['npm exec core-runtime dev handler.js', [...shell, ...dev]],
  ['npx core-runtime dev', dev],
  ['node /usr/bin/pnpm.cjs dev', [...shell, ...shell, ...dev]],
  ['node -- /home/me/node_modules/.bin/core-runtime dev', dev],
] as const) {
  test(`dev ends with what started it: ${title}, ${command.length - dev.length ? 'through a shell' : 'itself'}`, async t => {
    const {pid, functionPid, launcher} = await startBy(t, title, command);
    await kill(launcher, 'SIGKILL');
    await gone(pid);
    await gone(functionPid);
    t.pass();
  });
}

test('dev that refuses ends while its launcher waits for it', async t => {
  const program = `process.title = 'npx core-runtime dev';
    require('child_process').spawn(process.argv[1], process.argv.slice(2), {stdio: 'inherit'}).on('exit', code => process.exit(code));`;
  const launcher = spawn(process.execPath, ['-e', program, ...dev.slice(0, -1), 'no-such-file'], {
    env: {PATH: process.env.PATH ?? ''},
    stdio: 'ignore',
    timeout: 20_000,
  });
  t.deepEqual(await once(launcher, 'exit'), [64, null]);
});

test('dev that a script started in the background goes on without it', async t => {
  const {url, pid, launcher} = await startBy(t, 'a script', [...shell, ...dev]);
  await kill(launcher, 'SIGTERM');
  await new Promise(resolve => setTimeout(resolve, 1500)); // several looks
  t.true(isAlive(pid));
  t.is((await ask(`${url}/?do=pid`)).status, 200);
});
