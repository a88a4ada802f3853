import {rmSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as pause} from 'node:timers/promises';
import {verifySqlite} from '../../src/journals/sqlite/verify.ts';
import {fire, fired, flood, onDisk, payloadsShed, serve, sizeOf, stops} from '../helpers/journal-on-disk.ts';
import {fill, mounted} from '../helpers/mounted.ts';
import {ask} from '../helpers/request.ts';
import {metric, metricIs} from '../helpers/supervision.ts';

// A journal on a disk that fills up while the core runs: facts come before payloads, and no work starts without its facts.

for (const kind of ['tmpfs', 'ext4'] as const) {
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
}
