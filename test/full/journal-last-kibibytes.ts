import {spawnSync} from 'node:child_process';
import {readdirSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as pause} from 'node:timers/promises';
import {verifySqlite} from '../../src/journals/sqlite/verify.ts';
import {projectFile, runCli} from '../helpers/core.ts';
import {fire, fired, onDisk, serve, sizeOf, stops} from '../helpers/journal-on-disk.ts';
import {fill, leave, mounted} from '../helpers/mounted.ts';
import {ask} from '../helpers/request.ts';
import {metricIs} from '../helpers/supervision.ts';

/*
A disk that has a few KiB left: no signal ends the program that opens, reads or writes the journal. ext4 of this size
has blocks of 1 KiB, so that a page of memory that is a file's takes up to four when it is written to. Where the disk
has fewer, the system sends SIGBUS.
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
