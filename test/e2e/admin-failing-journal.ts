import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {DatabaseSync} from 'node:sqlite';
import test from 'ava';
import {projectFile, startCore} from '../helpers/core.ts';
import {canMount, smallDisk} from '../helpers/full-disk.ts';
import {ask} from '../helpers/request.ts';

const handler = projectFile('test/fixtures/functions/core/mirror.cjs');
const failing = canMount ? test : test.skip;

failing('with a full disk, what is asked of the private listener gets JOURNAL_FAILED, and the core lives', async t => {
  const disk = smallDisk(t, '3m');
  const core = await startCore(
    {
      SCW_PUBLIC: 'true',
      SCW_HANDLER_PATH: handler,
      CORE_JOURNAL: `sqlite:${join(disk.folder, 'journal.db')}`,
      CORE_SCHEDULES: JSON.stringify([{name: 'yearly', cron: '0 0 1 1 *', input: 'x'.repeat(20_000)}]),
    },
    t,
  );
  const known = (await ask(core.url)).field('core-invocation-id');
  while ((await ask(`${core.adminUrl}/api/invocations/${known}`)).status === 404);
  disk.fill();

  const post = (path: string, body = '') => ask(core.adminUrl + path, {method: 'POST', body});
  // What still fits into the files is kept: sooner or later nothing does.
  let fired = await post('/api/schedules/yearly/fire');
  for (let tries = 0; tries < 200 && fired.status === 200; tries++) fired = await post('/api/schedules/yearly/fire');
  t.is(fired.status, 503);
  t.deepEqual(fired.json().error.code, 'JOURNAL_FAILED');
  const kept = await post('/api/replays', JSON.stringify([{invocationId: known, verdict: 'same'}]));
  t.true(kept.status === 503 || kept.status === 201, kept.text());
  t.is((await ask(`${core.adminUrl}/livez`)).status, 200);
  t.is((await ask(core.url)).status, 200);
  t.false(core.logs.some(({msg}) => /bug in the core/.test(msg)));
  disk.free();
  t.is(await core.stop(), 0);
});

test('damage that happens while the core runs is answered as such, and logged with its stack', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'damaged-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  const file = join(folder, 'journal.db');
  const core = await startCore({SCW_PUBLIC: 'true', SCW_HANDLER_PATH: handler, CORE_JOURNAL: `sqlite:${file}`}, t);
  for (let round = 0; round < 20; round++) await ask(core.url);
  while ((await ask(`${core.adminUrl}/api/facts`)).text().split('settled').length <= 20);
  const other = new DatabaseSync(file);
  other.exec('UPDATE pack SET body = zeroblob(length(body))');
  other.close();
  const answer = await ask(`${core.adminUrl}/api/facts`);
  t.is(answer.status, 500);
  t.is(answer.json().error.code, 'JOURNAL_DAMAGED');
  const line = await core.logged(({level, code}) => level === 'error' && code === 'JOURNAL_DAMAGED');
  t.regex(String(line.stack), /\n\s+at /);
  t.is((await ask(core.url)).status, 200);
});
