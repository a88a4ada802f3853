import {execFileSync, spawn} from 'node:child_process';
import {once} from 'node:events';
import {closeSync, constants, openSync, readFileSync} from 'node:fs';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {projectFile} from '../helpers/core.ts';
import {freePort} from '../helpers/port.ts';
import {isAlive} from '../helpers/process.ts';
import {mainProgram} from '../helpers/programs.ts';
import {ask} from '../helpers/request.ts';
import {serve} from '../helpers/supervision.ts';

const resident = (pid: number) => Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;

test('a line of 10 MB is cut into parts and nothing is lost', async t => {
  const core = await serve(t, 'writes.cjs');
  t.is((await ask(`${core.url}/?what=long-line`)).text(), 'written');
  const last = await core.logged(({msg, source}) => source === 'function' && /^x+$/.test(msg));
  const parts = core.logs.filter(({msg, source}) => source === 'function' && /^x+( \[line goes on\])?$/.test(msg));
  t.is(parts.at(-1), last);
  t.is(
    parts.reduce((sum, {msg}) => sum + msg.replace(' [line goes on]', '').length, 0),
    10 * 2 ** 20,
  );
  await core.stop();
});

test('bytes that are not text become a record of JSON', async t => {
  const core = await serve(t, 'writes.cjs');
  await ask(`${core.url}/?what=binary`);
  t.is((await core.logged(({msg}) => msg.includes('\u0001'))).msg, '\0\u0001\ufffd\ufffd\u001b');
  await core.stop();
});

test('the last line needs no newline, also when the function ends with it', async t => {
  const core = await serve(t, 'writes.cjs');
  await ask(`${core.url}/?what=no-newline`);
  t.is((await core.logged(({msg}) => msg.startsWith('the last line'))).msg, 'the last line, unended');
  await core.stop();
});

/** A core with this as its stdout, on ports that were free a moment ago. It is gone when the test ends. */
async function startInto(t: ExecutionContext, stdout: number | 'pipe') {
  const [port, adminPort] = [await freePort(), await freePort()];
  const core = spawn(process.execPath, [mainProgram], {
    env: {
      PATH: process.env.PATH ?? '',
      PORT: String(port),
      CORE_ADMIN_PORT: String(adminPort),
      SCW_UPSTREAM_PORT: '0',
      CORE_JOURNAL: 'memory:',
      SCW_PUBLIC: 'true',
      SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/writes.cjs'),
    },
    stdio: ['ignore', stdout, 'ignore'],
  });
  const exited = once(core, 'exit').then(([code]) => code as number | null);
  t.teardown(() => {
    core.kill('SIGKILL');
    return exited;
  });
  const url = `http://127.0.0.1:${port}`;
  const answer = () => ask(url).catch(() => undefined);
  while ((await answer())?.status !== 200) await new Promise(resolve => setTimeout(resolve, 20));
  return {core, exited, url, adminUrl: `http://127.0.0.1:${adminPort}`};
}

async function servesAndStops(t: ExecutionContext, {core, exited, url}: Awaited<ReturnType<typeof startInto>>) {
  for (let calls = 0; calls < 5; calls++) t.is((await ask(`${url}/?what=long-line`)).text(), 'written');
  const {pid} = (await ask(url)).json();
  core.kill('SIGTERM');
  t.is(await exited, 0);
  t.false(isAlive(pid));
}

test('a stdout that was closed costs the log and nothing else', async t => {
  const running = await startInto(t, 'pipe');
  running.core.stdout?.destroy();
  await servesAndStops(t, running);
});

test('a disk that is full costs the log and nothing else', async t => {
  const full = openSync('/dev/full', 'w');
  const running = await startInto(t, full);
  closeSync(full);
  await servesAndStops(t, running);
});

test('a pipe that nobody reads costs log lines and nothing else, and lost lines are counted', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'pipe-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  execFileSync('mkfifo', [join(folder, 'stdout')]);
  const pipe = openSync(join(folder, 'stdout'), constants.O_RDWR); // its reader is ourselves, and reads nothing
  const running = await startInto(t, pipe);
  t.is((await ask(`${running.url}/?what=flood`)).text(), 'written');
  const dropped = async () => Number(/^core_log_lines_dropped_total (\d+)$/m.exec((await ask(`${running.adminUrl}/metrics`)).text())?.[1]);
  while ((await dropped()) === 0); // told once a second
  const held = /^core_inflight_bytes\{kind="log"\} (\d+)$/m.exec((await ask(`${running.adminUrl}/metrics`)).text())?.[1];
  t.true(Number(held) > 2 ** 20, 'what the pipe did not take is in the account of memory');
  await servesAndStops(t, running);
  closeSync(pipe);
});

test('a flood of 100 MB ends, replies go on meanwhile, memory is bounded, and dropped lines are counted and reported', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'flood-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  const file = join(folder, 'stdout');
  const stdout = openSync(file, 'w');
  const {core, url, adminUrl, exited} = await startInto(t, stdout);
  closeSync(stdout);
  const pid = core.pid ?? 0;
  const before = resident(pid);
  const flood = ask(`${url}/?what=flood`);
  let isOver = false;
  void flood.then(() => {
    isOver = true;
  });
  let [peak, calls] = [0, 0];
  while (!isOver) {
    t.is((await ask(url)).status, 200);
    peak = Math.max(peak, resident(pid));
    calls++;
  }
  t.is((await flood).text(), 'written');
  t.true(calls > 0);
  t.true(peak - before < 250, `${Math.round(peak - before)} MiB more`);
  const dropped = async () => Number(/^core_log_lines_dropped_total (\d+)$/m.exec((await ask(`${adminUrl}/metrics`)).text())?.[1]);
  while ((await dropped()) < 1e6); // told once a second
  core.kill('SIGTERM');
  t.is(await exited, 0);
  t.regex(readFileSync(file, 'utf8'), /"level":"warn"[^\n]*lines were dropped/);
});
