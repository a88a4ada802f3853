import {execFileSync, spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import {mkdtempSync, readdirSync, rmSync, statSync, truncateSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as pause} from 'node:timers/promises';
import test, {type ExecutionContext} from 'ava';
import {verifySqlite} from '../../src/journals/sqlite/verify.ts';
import {projectFile, type RunningCore, runCli, startCore} from '../helpers/core.ts';
import {fill, mounted, topUp, whyNoMount} from '../helpers/mounted.ts';
import {ask} from '../helpers/request.ts';
import {metric, metricIs} from '../helpers/supervision.ts';

/*
A journal on a disk that is too small, fills up, or is read by somebody who does not go on. The disks are real: tmpfs
with a size, and ext4 in a file. Nothing is timed; what must come back by itself is waited for.
*/

const reason = whyNoMount();
const onDisk = reason === undefined ? test.serial : test.skip;
if (reason !== undefined) console.log(`skipped: ${reason}`);
const mebi = 2 ** 20;
const payloadsShed = 'core_journal_shed_total{kind="payloads"}';

const schedules = JSON.stringify([{name: 'hourly', cron: '0 * * * *'}]);

const serve = (t: ExecutionContext, file: string, env: Record<string, string> = {}) =>
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

const sizeOf = (file: string) => statSync(file, {throwIfNoEntry: false})?.size ?? 0;
const journalBytes = (file: string) => ['', '-wal', '-shm'].reduce((sum, end) => sum + sizeOf(file + end), 0);

/** Large bodies, several at once. @returns the largest size of the journal, looked at after each answer */
async function flood(t: ExecutionContext, core: RunningCore, file: string, calls: number, bytes = 1_000_000): Promise<number> {
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
function fire(core: RunningCore) {
  occurrence += 3_600_000;
  return ask(`${core.adminUrl}/api/schedules/hourly/fire?at=${new Date(occurrence).toISOString()}`, {method: 'POST'});
}
const fired = async (core: RunningCore) => (await fire(core)).status === 200;

/** A program that reads the journal and does not go on until it is told to. */
async function holdReading(t: ExecutionContext, file: string) {
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

async function stops(t: ExecutionContext, core: RunningCore, file: string): Promise<void> {
  t.is(await core.stop(), 0);
  t.deepEqual(verifySqlite(file).problems, []);
  t.notRegex(core.stderr(), /\n\s+at /);
}

test.serial('the size is kept to at any moment, and what was freed goes back to the disk', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'journal-size-'));
  t.teardown(() => rmSync(folder, {recursive: true}));
  const file = join(folder, 'journal.db');
  const core = await serve(t, file, {CORE_JOURNAL_MAX_SIZE: '4MiB'});
  t.true(await fired(core));
  const largest = await flood(t, core, file, 200);
  t.log(`${Math.round(largest / mebi)} MiB at most`);
  t.true(largest <= 1.25 * 4 * mebi + 16 * mebi, `${largest} bytes`);
  t.true((await metric(core, payloadsShed)) > 0);
  t.is(await metric(core, 'core_journal_durable'), 1);
  t.true(await fired(core));
  await stops(t, core, file);
  t.true(journalBytes(file) <= 5 * mebi, `${journalBytes(file)} bytes`);
});

for (const kind of ['tmpfs', 'ext4'] as const) {
  onDisk(`${kind} of 64 MiB, a journal of 32 MiB, large bodies: nothing fails, and the next start works`, async t => {
    const file = join(mounted(t, kind, 64), 'journal.db');
    const core = await serve(t, file, {CORE_JOURNAL_MAX_SIZE: '32MiB'});
    t.true(await fired(core));
    const largest = await flood(t, core, file, 150);
    t.true(largest <= 1.25 * 32 * mebi + 16 * mebi);
    t.true((await metric(core, payloadsShed)) > 0);
    t.is(await metric(core, 'core_journal_durable'), 1);
    t.true(await fired(core));
    await stops(t, core, file);
    await stops(t, await serve(t, file), file);
  });

  onDisk(`${kind} of 48 MiB, a journal that may be larger, large bodies: facts are all kept, and schedules run`, async t => {
    const file = join(mounted(t, kind, 48), 'journal.db');
    const core = await serve(t, file);
    t.true(await fired(core));
    while (sizeOf(`${file}.reserve`) === 0) await pause(20);
    for (let round = 0; round < 5; round++) {
      await flood(t, core, file, 30);
      t.true(await fired(core), `round ${round}`);
      t.is(await metric(core, 'core_journal_durable'), 1);
    }
    t.is(await metric(core, 'core_journal_shed_total{kind="facts"}'), 0);
    t.true((await metric(core, payloadsShed)) > 0);
    await stops(t, core, file);
    await stops(t, await serve(t, file), file);
  });

  for (const reads of [false, true]) {
    onDisk(
      `${kind} that fills up ${reads ? 'beside a reader' : ''}: work is refused before it starts, and comes back by itself`,
      async t => {
        const disk = mounted(t, kind, 48);
        const file = join(disk, 'journal.db');
        const core = await serve(t, file);
        t.true(await fired(core));
        await flood(t, core, file, 12);
        if (reads) t.is((await ask(`${core.adminUrl}/api/facts`)).status, 200);
        const before = verifySqlite(file).facts;
        const filler = fill(disk);
        while (await fired(core)) fill(disk); // until the room that is given back is taken, too
        const refused = await fire(core);
        t.is(refused.status, 503);
        await metricIs(core, 'core_journal_durable', 0);
        await flood(t, core, file, 8); // what is not written ahead is served
        t.true((await metric(core, payloadsShed)) > 0);
        rmSync(filler);
        await metricIs(core, 'core_journal_durable', 1);
        t.true(await fired(core));
        t.true(verifySqlite(file).facts > before);
        await stops(t, core, file);
        await stops(t, await serve(t, file), file);
      },
    );
  }

  for (const reads of [false, true]) {
    onDisk(`${kind}: a start on a full disk ${reads ? 'beside a reader ' : ''}works with what was kept for it`, async t => {
      const disk = mounted(t, kind, 48);
      const file = join(disk, 'journal.db');
      const core = await serve(t, file);
      t.true(await fired(core));
      await flood(t, core, file, 4);
      while (sizeOf(`${file}.reserve`) === 0) await pause(20);
      core.kill('SIGKILL');
      await core.exited;
      const filler = fill(disk);
      const next = await serve(t, file);
      t.is((await ask(next.url)).status, 200);
      if (reads) await ask(`${next.adminUrl}/api/facts`);
      await fire(next); // behind what the request wrote: whether the disk took it is known then
      rmSync(filler);
      await metricIs(next, 'core_journal_durable', 1);
      t.true(await fired(next));
      await stops(t, next, file);
    });

    onDisk(
      `${kind}: a start that needs the reserve ${reads ? 'beside a reader ' : ''}is not called durable until it takes work`,
      async t => {
        const disk = mounted(t, kind, 48);
        const file = join(disk, 'journal.db');
        const core = await serve(t, file);
        t.true(await fired(core));
        while (sizeOf(`${file}.reserve`) === 0) await pause(20);
        const holder = await holdReading(t, file);
        await flood(t, core, file, 2); // it stays in the write-ahead log
        t.true(await fired(core));
        core.kill('SIGKILL');
        await core.exited;
        await holder.letGo();
        const filler = fill(disk);
        const next = await serve(t, file);
        t.is(sizeOf(`${file}.reserve`), 0);
        if (reads) t.is((await ask(`${next.adminUrl}/api/facts`)).status, 200);
        t.is(await metric(next, 'core_journal_durable'), 0);
        t.is((await fire(next)).status, 503);
        t.is((await ask(next.url)).status, 200);
        rmSync(filler);
        await metricIs(next, 'core_journal_durable', 1);
        t.true(await fired(next));
        await stops(t, next, file);
      },
    );
  }

  onDisk(`${kind}: a start without a reserve, on a disk with too little for one, is not called durable`, async t => {
    const disk = mounted(t, kind, 48);
    const file = join(disk, 'journal.db');
    await stops(t, await serve(t, file), file);
    rmSync(`${file}.reserve`, {force: true});
    const filler = fill(disk);
    truncateSync(filler, sizeOf(filler) - 2 * mebi);
    const core = await serve(t, file);
    t.is(await metric(core, 'core_journal_durable'), 0);
    t.is((await fire(core)).status, 503);
    rmSync(filler);
    await metricIs(core, 'core_journal_durable', 1);
    t.true(await fired(core));
    await stops(t, core, file);
  });
}

/** Takes what is left of a disk, but so many KiB. */
function leave(filler: string, kibibytes: number): void {
  topUp(filler);
  execFileSync('sync', ['-f', filler]); // until then the system keeps a little more back
  topUp(filler);
  truncateSync(filler, sizeOf(filler) - kibibytes * 1024);
}

/*
ext4 of this size has blocks of 1 KiB, so that a page of memory that is a file's takes up to four when it is written to.
Where the disk has fewer, the system sends SIGBUS.
*/
onDisk('ext4: a start on a disk that has a few KiB left works or is refused, and no signal ends it', async t => {
  const disk = mounted(t, 'ext4', 48);
  const file = join(disk, 'journal.db');
  await stops(t, await serve(t, file), file);
  for (let kibibytes = 0; kibibytes <= 72; kibibytes += 4) {
    rmSync(`${file}.reserve`, {force: true});
    const filler = fill(disk);
    leave(filler, kibibytes);
    const ended = await serve(t, file).then(
      core => core.stop(),
      (refused: Error) => refused.message,
    );
    if (ended !== 0) t.regex(String(ended), /exit 78.*(full|no space|I\/O)/is, `${kibibytes} KiB`);
    rmSync(filler);
  }
  await stops(t, await serve(t, file), file);
});

onDisk('ext4: what is read on a disk that has a few KiB left is read or refused, and no signal ends the reader', async t => {
  const disk = mounted(t, 'ext4', 48);
  const file = join(disk, 'journal.db');
  await stops(t, await serve(t, file), file);
  for (let kibibytes = 0; kibibytes <= 72; kibibytes += 4) {
    for (const end of ['-wal', '-shm']) rmSync(file + end, {force: true});
    const filler = fill(disk);
    leave(filler, kibibytes);
    const {code, stdout, stderr} = await runCli(['journal', 'verify'], {CORE_JOURNAL: `sqlite:${file}`});
    if (code !== 0) t.regex(stdout + stderr, /full|no space|I\/O/i, `${kibibytes} KiB, exit ${code}`);
    rmSync(filler);
  }
});

onDisk('ext4: on a disk that has a few KiB left the log outgrows its index or is not written, and no signal ends the writer', t => {
  const disk = mounted(t, 'ext4', 64);
  for (let kibibytes = 16; kibibytes <= 64; kibibytes += 8) {
    const {status, signal, stdout, stderr} = spawnSync(
      process.execPath,
      [projectFile('test/helpers/journal-grower.ts'), disk, String(kibibytes)],
      {encoding: 'utf8'},
    );
    t.like({status, signal}, {status: 0, signal: null}, `${kibibytes} KiB: ${stdout} ${stderr}`);
    t.regex(stdout, /written\nclosed\n$/);
    t.deepEqual(verifySqlite(join(disk, 'journal.db')).problems, []);
    for (const name of readdirSync(disk)) if (name.startsWith('journal')) rmSync(join(disk, name));
  }
});

onDisk('ext4: while a full disk gets back a few KiB after the other, the journal is opened again or not, and HTTP is served', async t => {
  const disk = mounted(t, 'ext4', 48);
  const file = join(disk, 'journal.db');
  const core = await serve(t, file);
  t.true(await fired(core));
  while (sizeOf(`${file}.reserve`) === 0) await pause(20);
  rmSync(`${file}.reserve`); // what it would give is more than a few KiB
  const filler = fill(disk);
  while (await fired(core)) fill(disk);
  for (let kibibytes = 0; kibibytes <= 48; kibibytes += 4) {
    leave(filler, kibibytes);
    await fire(core);
    t.is((await ask(core.url)).status, 200);
    await pause(1000); // it is tried about once a second
  }
  rmSync(filler);
  await metricIs(core, 'core_journal_durable', 1);
  t.true(await fired(core));
  await stops(t, core, file);
});

onDisk('ext4: a full disk on which somebody removes the journal has its room again, and the journal begins anew', async t => {
  const disk = mounted(t, 'ext4', 48);
  const file = join(disk, 'journal.db');
  const core = await serve(t, file);
  await flood(t, core, file, 12);
  t.true(await fired(core));
  while (sizeOf(`${file}.reserve`) === 0) await pause(20);
  rmSync(`${file}.reserve`);
  const filler = fill(disk);
  let isClosed = false;
  void core
    .logged(({cause}) => String(cause).startsWith('ENOSPC'))
    .then(() => {
      isClosed = true; // it could not be opened again
    });
  while (!isClosed) {
    leave(filler, 0);
    await fire(core);
  }
  for (const end of ['', '-wal', '-shm', '.mark']) rmSync(file + end, {force: true});
  await metricIs(core, 'core_journal_durable', 1);
  t.true(await fired(core));
  await stops(t, core, file);
});

onDisk('a disk that is taken away while the core runs is noticed; HTTP is served on, and the journal begins anew by its path', async t => {
  const disk = mounted(t, 'tmpfs', 32);
  const file = join(disk, 'journal.db');
  const core = await serve(t, file);
  t.true(await fired(core));
  execFileSync('umount', ['-l', disk]);
  const line = await core.logged(({msg}) => msg.includes('nothing is acknowledged'));
  t.regex(String(line.cause), /journal\.db(-wal)? is (gone|not the file)/);
  t.is((await ask(core.url)).status, 200);
  await core.logged(({msg}) => msg.includes('is written again'));
  await metricIs(core, 'core_journal_durable', 1);
  t.true(await fired(core));
  await stops(t, core, file);
});

test.serial('a reader that does not go on is named, and the size is kept to', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'journal-held-'));
  t.teardown(() => rmSync(folder, {recursive: true}));
  const file = join(folder, 'journal.db');
  const core = await serve(t, file, {CORE_JOURNAL_MAX_SIZE: '4MiB'});
  t.true(await fired(core));
  const reader = await holdReading(t, file);
  let largest = await flood(t, core, file, 100);
  while ((await metric(core, 'core_journal_durable')) === 1) largest = Math.max(largest, await flood(t, core, file, 20));
  t.is((await fire(core)).status, 503);
  t.log(`${Math.round(largest / mebi)} MiB at most`);
  t.true(largest <= 1.25 * 4 * mebi + 16 * mebi, `${largest} bytes`);
  const line = await core.logged(({msg}) => msg.startsWith('A reader keeps the write-ahead log'));
  if (process.platform === 'linux') t.regex(String(line.cause), new RegExp(`process ${reader.pid} \\(python3`));
  await reader.letGo();
  await core.logged(({msg}) => msg.includes('is free again'));
  await metricIs(core, 'core_journal_durable', 1);
  t.true(await fired(core));
  t.is(await metric(core, 'core_journal_durable'), 1);
  await stops(t, core, file);
});
