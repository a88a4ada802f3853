import {spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import {readdirSync, readFileSync} from 'node:fs';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as pause} from 'node:timers/promises';
import test from 'ava';
import {SqliteArchive} from '../../src/journals/sqlite/archive.ts';
import {ManualClock} from '../helpers/clock.ts';
import {projectFile, startCore, type Teardown} from '../helpers/core.ts';
import {outputOf} from '../helpers/process.ts';
import {ask} from '../helpers/request.ts';

/*
A disk whose syncs take very long: strace (Debian: package strace) holds them. Nothing is timed: what must not wait for a
sync is there before the first sync is over, and what must wait is not.
*/

const hasStrace = spawnSync('strace', ['-V']).status === 0;
const straced = hasStrace ? test.serial : test.skip;
if (!hasStrace) console.log('skipped: holding syncs needs strace on the PATH');
const requests = 50;
/** Longer than any machine needs for all requests; the test lets go long before. */
const heldS = 600;

async function typesIn(file: string): Promise<string[]> {
  using archive = new SqliteArchive(file, new ManualClock());
  const types: string[] = [];
  for await (const {fact} of archive.scan('')) types.push(fact.type);
  return types;
}

/** Holds every sync of a running process until `release` is called. */
async function holdSyncs(pid: number, t: Teardown): Promise<{release(): Promise<void>}> {
  const fault = `inject=fsync,fdatasync:delay_exit=${heldS}s`;
  const strace = spawn('strace', ['-f', '-qq', '-o', '/dev/null', '-e', 'trace=fsync,fdatasync', '-e', fault, '-p', String(pid)]);
  const complaint = outputOf(strace.stderr);
  const ended = once(strace, 'close');
  const release = async () => {
    strace.kill('SIGKILL'); // it answers no other signal while it holds a call; the process goes on
    await ended;
  };
  t.teardown(release);
  const tasks = `/proc/${pid}/task`;
  const isTraced = (task: string) => !/^TracerPid:\t0$/m.test(readFileSync(`${tasks}/${task}/status`, 'utf8'));
  while (!readdirSync(tasks).every(isTraced)) {
    if (strace.exitCode !== null) throw new Error(`strace ended: ${complaint()}`);
    await pause(5);
  }
  return {release};
}

straced('while no sync comes back, every request is answered, and nothing runs that is written ahead', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'slow-sync-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  const journal = join(folder, 'journal.db');
  const core = await startCore(
    {
      SCW_PUBLIC: 'true',
      SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/scheduled'),
      CORE_SCHEDULES: JSON.stringify([{name: 'yearly', cron: '0 0 1 1 *'}]),
      CORE_JOURNAL: `sqlite:${journal}`,
      CORE_JOURNAL_HTTP: 'facts',
    },
    t,
  );
  // The last facts of a start; one that came later would change the log before the syncs are held.
  const isStarted = (types: string[]) => ['code.loaded', 'runtime.ready'].every(type => types.includes(type));
  while (!isStarted(await typesIn(journal))) await pause(5);
  const log = () => readFileSync(`${journal}-wal`);
  const [typesBefore, logBefore] = [await typesIn(journal), log()];

  const syncs = await holdSyncs(core.pid, t);
  let isFired = false;
  const fired = ask(`${core.adminUrl}/api/schedules/yearly/fire?at=2026-01-01T00:00:00Z`, {method: 'POST'}).then(answer => {
    isFired = true;
    return answer;
  });
  while (log().equals(logBefore)) await pause(5); // its claim is written and waits for the sync

  for (let count = 0; count < requests; count++) {
    t.is((await ask(core.url, {method: 'POST', body: '{}'})).status, 200);
  }
  t.deepEqual(await typesIn(journal), typesBefore, 'no commit is over');
  t.false(isFired);
  t.is(core.logs.filter(({source, msg}) => source === 'function' && msg.includes('"cron"')).length, 0);

  await syncs.release();
  t.is((await fired).status, 200);
  const settled = async () => (await typesIn(journal)).filter(type => type === 'invocation.settled').length;
  while ((await settled()) < requests + 1) await pause(20);
  t.is(await settled(), requests + 1);
  t.is(await core.stop(), 0);
});
