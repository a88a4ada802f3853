import {rmSync, truncateSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as pause} from 'node:timers/promises';
import {fire, fired, flood, holdReading, mebi, onDisk, serve, sizeOf, stops} from '../helpers/journal-on-disk.ts';
import {fill, mounted} from '../helpers/mounted.ts';
import {ask} from '../helpers/request.ts';
import {metric, metricIs} from '../helpers/supervision.ts';

// A start on a full disk: it works, and the journal is called durable only once it takes work.

for (const kind of ['tmpfs', 'ext4'] as const) {
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
