import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {makeCertificates} from '../helpers/certificates.ts';
import {projectFile, refuseCore, startCore} from '../helpers/core.ts';
import {postgresMissing, startPostgres} from '../helpers/postgres-server.ts';
import {ask} from '../helpers/request.ts';

/* The way to a database is kept secret, as `sslmode` asks. */

const missing = await postgresMissing();
if (missing !== undefined) test.skip(`a secret way to PostgreSQL: ${missing}`, () => {});
else {
  const folder = await mkdtemp(join(tmpdir(), 'postgres-secure-'));
  const {ca, server} = makeCertificates(folder);
  const [secret, plain] = await Promise.all([startPostgres({tls: server}), startPostgres()]);
  test.after.always(async () => {
    await Promise.all([secret, plain].map(each => each[Symbol.asyncDispose]()));
    await rm(folder, {recursive: true});
  });

  const env = (place: string, more: string) => ({
    SCW_PUBLIC: 'true',
    SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/works.cjs'),
    CORE_JOURNAL: `postgres:${place.replace('127.0.0.1', 'localhost')}${more}`,
  });

  for (const [title, database, more, why] of [
    ['that has no TLS', plain, '&sslmode=verify-full', /SSL/],
    ['whose certificate nobody vouches for', secret, '&sslmode=verify-full', /certificate/],
    ['that lets nobody in without TLS', secret, '', /no encryption|pg_hba/],
  ] as const) {
    test(`a server ${title} stops the start`, async t => {
      const {code, stderr} = await refuseCore(env(database.place(), more));
      t.is(code, 78, stderr);
      t.regex(stderr, why);
    });
  }

  test('sslmode=verify-full with sslrootcert takes a server whose certificate names the host', async t => {
    const core = await startCore(env(secret.place(), `&sslmode=verify-full&sslrootcert=${ca}`), t);
    t.is((await ask(core.url, {method: 'POST', body: '{}'})).status, 200);
    t.is(await core.stop(), 0);
    t.deepEqual(
      core.logs.filter(({level}) => level === 'error' || level === 'warn'),
      [],
    );
  });
}
