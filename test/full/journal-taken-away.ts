import {execFileSync} from 'node:child_process';
import {rmSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as pause} from 'node:timers/promises';
import {fire, fired, flood, onDisk, serve, sizeOf, stops} from '../helpers/journal-on-disk.ts';
import {fill, leave, mounted} from '../helpers/mounted.ts';
import {ask} from '../helpers/request.ts';
import {metricIs} from '../helpers/supervision.ts';

// A journal that is removed, or whose disk is taken away, while the core runs: it begins anew.

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
