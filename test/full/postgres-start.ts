import test from 'ava';
import {systemClock} from '../../src/clock.ts';
import {PostgresArchive} from '../../src/journals/postgres/archive.ts';
import {type LogLine, projectFile, type RunningCore, refuseCore, startCore} from '../helpers/core.ts';
import {freePort} from '../helpers/port.ts';
import {withPostgres} from '../helpers/postgres.ts';
import {ask} from '../helpers/request.ts';

/* A core starts while its database is away, as it goes on when it goes away later. What the database refuses stops the start. */

await withPostgres('a core starts without its database', server => {
  const envOf = (place: string, more: Record<string, string> = {}) => ({
    SCW_PUBLIC: 'true',
    SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/works.cjs'),
    CORE_JOURNAL: `postgres:${place}`,
    CORE_WORK: 'on',
    ...more,
  });
  const call = ({url}: RunningCore, headers: Record<string, string> = {}) => ask(url, {method: 'POST', body: '{"name": "a"}', headers});
  const durable = async ({adminUrl}: RunningCore) =>
    /^core_journal_durable (\d)$/m.exec((await ask(`${adminUrl}/metrics`)).body.toString())?.[1];
  const until = async (isSo: () => Promise<boolean>) => {
    while (!(await isSo())) await systemClock.sleep(50);
  };
  const isAbout = (text: RegExp) => (line: LogLine) => text.test(line.msg);

  test.serial('a wrong password, and a user or a database that is not there, stop the start', async t => {
    await server.sql("CREATE ROLE guarded LOGIN PASSWORD 'right'");
    const file = await server.sql('SHOW hba_file');
    const rules = "E'host all guarded 127.0.0.1/32 scram-sha-256\\nhost all all 127.0.0.1/32 trust\\nlocal all all trust'";
    // A line is not quoted, as none of its characters needs it.
    await server.sql(`COPY (SELECT line FROM regexp_split_to_table(${rules}, E'\\n') AS line) TO '${file.trim()}'`);
    await server.sql('SELECT pg_reload_conf()');
    const place = server.place();
    for (const [wrong, why] of [
      [place.replace('core@', 'guarded:wr0ng@'), /password authentication failed/],
      [place.replace('core@', 'nobody@'), /role "nobody" does not exist/],
      [place.replace('/postgres', '/none'), /database "none" does not exist/],
    ] as const) {
      const {code, stderr} = await refuseCore(envOf(wrong));
      t.is(code, 78, stderr);
      t.regex(stderr, why);
      t.notRegex(stderr, /wr0ng/);
    }
  });

  test.serial('it serves HTTP, refuses work before it starts, and goes on without a restart when the database comes', async t => {
    t.timeout(240_000);
    const place = server.place();
    await server.kill();
    const schedules = JSON.stringify([{name: 'often', cron: '* * * * * *', input: {name: 'tick'}}]);
    const core = await startCore(envOf(place.replace('core@', 'core:unused-s3cret@'), {CORE_SCHEDULES: schedules}), t);
    t.is((await call(core)).status, 200);
    for (const headers of [{prefer: 'respond-async'}, {'idempotency-key': '"k"'}]) {
      const refused = await call(core, headers);
      t.is(refused.status, 503);
      t.is(refused.field('core-error'), 'JOURNAL_FAILED');
      t.regex(refused.field('retry-after') ?? '', /^\d+$/);
    }
    t.is(await durable(core), '0');
    const ready = (await ask(`${core.adminUrl}/readyz`)).json();
    t.true(ready.ready);
    t.regex(ready.detail, /the journal is away: .*ECONNREFUSED/);
    t.is((await ask(`${core.adminUrl}/api/now`)).json().journal.location, `postgres:${place}`);

    await server.start();
    await until(async () => (await durable(core)) === '1');
    t.is((await call(core, {prefer: 'respond-async'})).status, 202);
    t.is((await call(core, {'idempotency-key': '"k"'})).status, 200);
    t.is((await ask(`${core.adminUrl}/readyz`)).json().detail, undefined);
    await until(async () => {
      const {waiting, running} = (await ask(`${core.adminUrl}/api/work?limit=1`)).json();
      return waiting + running === 0;
    });
    using archive = await PostgresArchive.open(place, systemClock);
    const types = async (prefix: string) => (await Array.fromAsync(archive.scan(prefix))).map(({fact}) => fact.type);
    await until(async () => (await types('schedule.')).includes('schedule.fired'));
    t.is(await core.stop(), 0);
    t.is(core.logs.filter(isAbout(/^The journal is away/)).length, 1);
    t.is(core.logs.filter(isAbout(/^The journal is open/)).length, 1);
    t.false(JSON.stringify(core.logs).includes('s3cret'));
    t.true((await types('runtime.')).includes('code.loaded'), 'what it had to say of itself waited');
  });

  test.serial('a database that comes and refuses the processes of a core ends none, and may let them in later', async t => {
    t.timeout(240_000);
    const place = server.place();
    await server.kill();
    const core = await startCore(envOf(place.replace('core@', 'later@'), {CORE_PROCESSES: '2'}), t);
    await server.start();
    t.regex(String((await core.logged(isAbout(/^The journal cannot be opened; trying again/))).cause), /later/);
    t.is((await call(core)).status, 200);
    t.is((await call(core, {prefer: 'respond-async'})).status, 503);
    t.is((await ask(`${core.adminUrl}/readyz`)).status, 200);
    await server.sql('CREATE ROLE later SUPERUSER LOGIN');
    // Each process opens it by itself.
    while (core.logs.filter(isAbout(/^The journal is open/)).length < 2) await systemClock.sleep(50);
    for (let times = 0; times < 10; times++) t.is((await call(core, {prefer: 'respond-async'})).status, 202);
    t.is(await core.stop(), 0);
  });

  test.serial('it stops as usual while the database has never been there', async t => {
    const place = server.place().replace(/:\d+\//, `:${await freePort()}/`);
    const core = await startCore(envOf(place), t);
    t.is((await call(core)).status, 200);
    t.is(await core.stop(), 0);
  });
});
