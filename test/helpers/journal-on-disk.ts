import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {statSync} from 'node:fs';
import test, {type ExecutionContext} from 'ava';
import {verifySqlite} from '../../src/journals/sqlite/verify.ts';
import {projectFile, type RunningCore, startCore} from './core.ts';
import {whyNoMount} from './mounted.ts';
import {ask} from './request.ts';

/*
A journal on a disk that is too small, fills up, or is read by somebody who does not go on. The disks are real: tmpfs
with a size, and ext4 in a file. Nothing is timed; what must come back by itself is waited for.
*/

const reason = whyNoMount();
/** A test that mounts a file system; skipped where none can be. */
export const onDisk = reason === undefined ? test.serial : test.skip;
if (reason !== undefined) console.log(`skipped: ${reason}`);

export const mebi = 2 ** 20;
export const payloadsShed = 'core_journal_shed_total{kind="payloads"}';

const schedules = JSON.stringify([{name: 'hourly', cron: '0 * * * *'}]);

/** A core that keeps everything in a journal in this file, and has a schedule. */
export const serve = (t: ExecutionContext, file: string, env: Record<string, string> = {}) =>
  startCore(
    {
      SCW_PUBLIC: 'true',
      SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/mirror.cjs'),
      CORE_JOURNAL: `sqlite:${file}`,
      CORE_JOURNAL_HTTP: 'full',
      CORE_SCHEDULES: schedules,
      ...env,
    },
    t,
  );

export const sizeOf = (file: string) => statSync(file, {throwIfNoEntry: false})?.size ?? 0;
export const journalBytes = (file: string) => ['', '-wal', '-shm'].reduce((sum, end) => sum + sizeOf(file + end), 0);

/** Large bodies, several at once. @returns the largest size of the journal, looked at after each answer */
export async function flood(t: ExecutionContext, core: RunningCore, file: string, calls: number, bytes = 1_000_000): Promise<number> {
  let largest = 0;
  let left = calls;
  const body = Buffer.alloc(bytes, 'x');
  await Promise.all(
    Array.from({length: 4}, async () => {
      while (left-- > 0) {
        const {status} = await ask(`${core.url}/?do=log`, {method: 'POST', body});
        if (status !== 200) t.fail(`a request was answered ${status}`);
        largest = Math.max(largest, journalBytes(file));
      }
    }),
  );
  return largest;
}

let occurrence = Date.parse('2020-01-01T00:00:00Z');
/** Runs a schedule's occurrence by hand: it is written ahead. */
export function fire(core: RunningCore) {
  occurrence += 3_600_000;
  return ask(`${core.adminUrl}/api/schedules/hourly/fire?at=${new Date(occurrence).toISOString()}`, {method: 'POST'});
}
export const fired = async (core: RunningCore) => (await fire(core)).status === 200;

/** A program that reads the journal and does not go on until it is told to. */
export async function holdReading(t: ExecutionContext, file: string) {
  const args = [projectFile('test/helpers/sqlite-outsider.py'), file, 'SELECT count(*) FROM pack', 'hold'];
  const reader = spawn('python3', args, {stdio: ['pipe', 'pipe', 'inherit']});
  const ended = once(reader, 'exit');
  t.teardown(() => {
    reader.kill('SIGKILL');
    return ended;
  });
  await once(reader.stdout, 'data');
  return {
    pid: reader.pid,
    async letGo() {
      reader.stdin.end();
      await ended;
    },
  };
}

export async function stops(t: ExecutionContext, core: RunningCore, file: string): Promise<void> {
  t.is(await core.stop(), 0);
  t.deepEqual(verifySqlite(file).problems, []);
  t.notRegex(core.stderr(), /\n\s+at /);
}
