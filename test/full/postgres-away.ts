import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as pause} from 'node:timers/promises';
import test from 'ava';
import {systemClock} from '../../src/clock.ts';
import {PostgresArchive} from '../../src/journals/postgres/archive.ts';
import {projectFile, runCli, startCore} from '../helpers/core.ts';
import {withPostgres} from '../helpers/postgres.ts';
import {ask} from '../helpers/request.ts';

await withPostgres('a core outlives its database', server => {
  test.serial(
    'while the database is away callers are served, work is refused before it starts, and all is well when it is back',
    async t => {
      t.timeout(240_000);
      const place = server.place();
      const env = {
        SCW_PUBLIC: 'true',
        SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/works.cjs'),
        CORE_JOURNAL: `postgres:${place.replace('core@', 'core:unused-s3cret@')}`,
        CORE_WORK: 'on',
      };
      const core = await startCore(env, t);
      const call = (headers: Record<string, string> = {}) => ask(core.url, {method: 'POST', body: '{"name": "a"}', headers});
      const durable = async () => /^core_journal_durable (\d)$/m.exec((await ask(`${core.adminUrl}/metrics`)).body.toString())?.[1];
      t.is((await call()).status, 200);
      t.is((await call({prefer: 'respond-async'})).status, 202);
      t.is(await durable(), '1');

      await server.kill();
      while ((await durable()) !== '0') await pause(50);
      await pause(2500);
      const before = systemClock.monotonic();
      t.is((await call()).status, 200);
      t.true(systemClock.monotonic() - before < 2000);
      for (const headers of [{prefer: 'respond-async'}, {'idempotency-key': '"k"'}]) {
        const refused = await call(headers);
        t.is(refused.status, 503);
        t.is(refused.field('core-error'), 'JOURNAL_FAILED');
        t.regex(refused.field('retry-after') ?? '', /^\d+$/);
      }

      await server.start();
      while ((await durable()) !== '1') await pause(50);
      t.is((await call({prefer: 'respond-async'})).status, 202);
      t.is((await call({'idempotency-key': '"k"'})).status, 200);
      t.is((await ask(`${core.adminUrl}/api/now`)).json().journal.location, `postgres:${place}`);
      for (;;) {
        const {waiting, running} = (await ask(`${core.adminUrl}/api/work?limit=1`)).json();
        if (waiting + running === 0) break;
        await pause(50);
      }
      t.is(await core.stop(), 0);
      t.false(JSON.stringify(core.logs).includes('s3cret'));

      using archive = await PostgresArchive.open(place, systemClock);
      const settled = (await Array.fromAsync(archive.scan('invocation.'))).filter(({fact}) => fact.type === 'invocation.settled');
      t.is(settled.length, 5, 'two without work, one of them while it was away; two with it; and the key');
    },
  );

  test.serial('commands read, check and move a journal, and show no password', async t => {
    t.timeout(240_000);
    const place = server.place();
    const secret = `postgres:${place.replace('core@', 'core:unused-s3cret@')}`;
    const env = {SCW_PUBLIC: 'true', SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/works.cjs'), CORE_JOURNAL: secret};
    const core = await startCore({...env, CORE_JOURNAL_HTTP: 'full', CORE_WORK: 'on'}, t);
    t.is((await ask(core.url, {method: 'POST', body: '{"name": "a"}'})).status, 200);
    t.is(
      (await ask(core.url, {method: 'POST', body: '{"name": "b"}', headers: {prefer: 'respond-async', 'core-delay': '1h'}})).status,
      202,
    );
    const said: string[] = [];
    const run = async (...args: string[]) => {
      // The core of the same function runs here, and yet the journal is read itself.
      const {code, stdout, stderr} = await runCli(args, {...env, CORE_ADMIN_PORT: new URL(core.adminUrl).port});
      said.push(stdout, stderr);
      t.is(code, 0, `${args.join(' ')}: ${stderr}`);
      return stdout;
    };
    t.regex(await run('invocations'), /responded|200/);
    t.regex(await run('explain'), /outcome/);
    t.regex(await run('journal', 'verify'), /nothing is wrong/);
    t.regex(await run('facts', '--stream', 'invocation.'), /invocation\.settled/);
    const exported = await run('journal', 'export', '--payloads');
    t.regex(await run('config'), /CORE_JOURNAL/);
    t.is(await core.stop(), 0);
    const folder = await mkdtemp(join(tmpdir(), 'export-'));
    t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
    const file = join(folder, 'all.ndjson');
    await writeFile(file, exported);
    const other = `postgres:${server.place()}`;
    const {code, stderr} = await runCli(
      ['journal', 'import', file, '--work', '--journal', other.replace('core@', 'core:unused-s3cret@')],
      env,
    );
    said.push(stderr);
    t.is(code, 0, stderr);
    t.regex(stderr, /1 items of work were taken over/);
    const again = await runCli(['journal', 'verify', '--journal', other], env);
    t.regex(again.stdout, /2 payloads|4 payloads|3 payloads/);
    const backup = await runCli(['journal', 'backup', join(folder, 'never.db')], env);
    t.not(backup.code, 0);
    t.regex(backup.stderr, /backed up by its own means/);
    const gone = await runCli(['invocations', '--journal', secret.replace(/schema=\w+/, 'schema=none')], env);
    t.not(gone.code, 0);
    t.regex(gone.stderr, /there is no journal in the schema none/);
    said.push(backup.stderr, gone.stderr);
    t.false(said.join('').includes('s3cret'), said.filter(text => text.includes('s3cret')).join(''));
  });
});
