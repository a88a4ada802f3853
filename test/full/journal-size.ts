import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {fire, fired, flood, holdReading, journalBytes, mebi, onDisk, payloadsShed, serve, stops} from '../helpers/journal-on-disk.ts';
import {mounted} from '../helpers/mounted.ts';
import {metric, metricIs} from '../helpers/supervision.ts';

// The size of a journal is kept to: under large bodies, on a small disk, and while a reader holds the log.

test.serial('the size is kept to at any moment, and what was freed goes back to the disk', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'journal-size-'));
  t.teardown(() => rmSync(folder, {recursive: true, maxRetries: 5}));
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
}

test.serial('a reader that does not go on is named, and the size is kept to', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'journal-held-'));
  t.teardown(() => rmSync(folder, {recursive: true, maxRetries: 5}));
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
