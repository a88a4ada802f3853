import {randomUUID} from 'node:crypto';
import {chmod, mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {nkeys} from '@nats-io/transport-node';
import test from 'ava';
import {systemClock} from '../../src/clock.ts';
import {openJournal} from '../../src/journals/open.ts';
import {makeCertificates} from '../helpers/certificates.ts';
import {projectFile, runCli, startCore} from '../helpers/core.ts';
import {recordingLog, recordingMeter} from '../helpers/fakes.ts';
import {fact} from '../helpers/journal-suite.ts';
import {type NatsCluster, natsServer, startNats} from '../helpers/nats.ts';
import {makeCredentials} from '../helpers/nats-credentials.ts';
import {ask} from '../helpers/request.ts';
import {retention} from '../helpers/sqlite-journal.ts';

/* Who is let in by the servers of a journal, and how the way to them is kept secret. */

function open(location: string, credentials?: string) {
  const house = {clock: systemClock, log: recordingLog(), meter: recordingMeter(), core: randomUUID()};
  const kept = {...retention, maxBytes: 2 ** 26};
  return openJournal({location, fallback: undefined, mustLast: true, retention: kept, access: {synced: 'asserted', credentials}}, house);
}

/** By the name that its certificate has. */
const at = ({nodes: [node]}: NatsCluster, login = '', application: string = randomUUID()) =>
  `nats://${login}localhost:${node?.port}/${application}`;

async function letsIn(location: string, credentials?: string): Promise<boolean> {
  const {journal} = await open(location, credentials);
  await using _closed = journal;
  return (await journal.append('a', [fact(1)])).durability === 'fsync';
}

if (!natsServer) test.skip('there is no nats-server: CORE_TEST_NATS names the folder that has it', () => {});
else {
  const folder = await mkdtemp(join(tmpdir(), 'nats-secure-'));
  const {ca, server, client} = makeCertificates(folder);
  const {config, credentials} = makeCredentials();
  const nkey = nkeys.createUser();
  const file = async (name: string, text: string) => {
    await writeFile(join(folder, name), text);
    await chmod(join(folder, name), 0o600);
    return join(folder, name);
  };
  const files = {
    credentials: await file('core.creds', credentials),
    nkey: await file('core.nk', `${Buffer.from(nkey.getSeed()).toString()}\n`),
    other: await file('other.nk', Buffer.from(nkeys.createUser().getSeed()).toString()),
  };
  // As docs/journal-nats.md has them.
  const needed = 'publish: ["$JS.API.>", "core.shop.>", "corefeed.shop.stop", "$JS.FC.>"], subscribe: ["_INBOX.>", "corefeed.shop.>"]';
  const bob = `{user: "bob", password: "b0b", permissions: {${needed}}}`;
  const tls = `cert_file: "${server.cert}", key_file: "${server.key}"`;
  const [plain, secret, mutual, byToken] = await Promise.all([
    startNats(1, {more: `authorization {users: [{nkey: ${nkey.getPublicKey()}}]}`}),
    startNats(1, {more: `tls {${tls}}\n${config}`}),
    startNats(1, {
      more: `tls {${tls}, ca_file: "${ca}", verify: true}\nauthorization {users: [{user: "ann", password: "p@ss/w:d"}, ${bob}]}`,
    }),
    startNats(1, {more: 'authorization {token: "t0k3n"}'}),
  ]);
  test.after.always(async () => {
    await Promise.all([plain, secret, mutual, byToken].map(each => each[Symbol.asyncDispose]()));
    await rm(folder, {recursive: true});
  });

  test('a server whose certificate nobody vouches for is refused', async t => {
    await t.throwsAsync(open(at(secret), files.credentials), {message: /no server lets this core in.*certificate/is});
  });

  test('where TLS is asked for, a server without it is refused before it gets a password', async t => {
    for (const more of ['?tls=required', `?ca=${ca}`]) {
      const error = await t.throwsAsync(open(`${at(byToken, 't0k3n@')}${more}`), {message: /does not support 'tls'/});
      t.notRegex(error.message, /t0k3n/);
    }
  });

  test('a certificate of the core that is asked for must be there', async t => {
    // The server says nothing, and so looks like one that is away.
    const {journal, isDurable, health} = await open(`${at(mutual, 'ann:p%40ss%2Fw%3Ad@')}?ca=${ca}`);
    await using _closed = journal;
    t.false(isDurable);
    t.regex(health()?.problem ?? '', /no server lets this core in/);
    const cert = `?ca=${ca}&cert=${client.cert}&key=${client.key}`;
    await t.throwsAsync(open(`${at(mutual, 'ann:wrong@')}${cert}`), {message: /no server lets this core in.*Authorization/is});
    t.true(await letsIn(`${at(mutual, 'ann:p%40ss%2Fw%3Ad@')}${cert}`));
  });

  test('a file of credentials lets in, over TLS', async t => {
    t.true(await letsIn(`${at(secret)}?ca=${ca}`, files.credentials));
    await t.throwsAsync(open(`${at(secret)}?ca=${ca}`), {message: /no server lets this core in.*Authorization/is});
  });

  test('the seed of an nkey lets in, and no other', async t => {
    await t.throwsAsync(open(at(plain), files.other), {message: /no server lets this core in.*Authorization/is});
    t.true(await letsIn(at(plain), files.nkey));
  });

  test('a token lets in, and no other', async t => {
    await t.throwsAsync(open(at(byToken, 'wrong@')), {message: /no server lets this core in.*Authorization/is});
    t.true(await letsIn(at(byToken, 't0k3n@')));
  });

  test('a core and its commands take the same settings, need no more permissions than are said, and show no secret', async t => {
    const location = `${at(mutual, 'bob:b%30b@', 'shop')}?ca=${ca}&cert=${client.cert}&key=${client.key}`;
    const env = {
      SCW_PUBLIC: 'true',
      SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/works.cjs'),
      CORE_JOURNAL: location,
      CORE_JOURNAL_SYNCED: 'asserted',
      CORE_JOURNAL_MAX_SIZE: '64MiB',
      CORE_WORK: 'on',
    };
    const core = await startCore(env, t);
    t.is((await ask(core.url, {method: 'POST', body: '{}'})).status, 200);
    const sent = await ask(core.url, {method: 'POST', body: '{"ms": 60000}', headers: {prefer: 'respond-async'}});
    t.is(sent.status, 202);
    const other = await startCore(env, t);
    const view = async () => (await ask(`${other.url}${sent.field('location')}`)).json().status;
    while ((await view()) !== 'running') await systemClock.sleep(50);
    for (const each of [core, other]) await ask(`${each.url}${sent.field('location')}`, {method: 'DELETE'});
    while ((await view()) !== 'cancelled') await systemClock.sleep(50);
    for (const each of [core, other]) {
      t.is(await each.stop(), 0);
      t.deepEqual(
        each.logs.filter(({level}) => level === 'error' || level === 'warn').map(({msg}) => msg.slice(0, 30)),
        ['One NATS server keeps the jour'],
      );
    }
    const {code, stdout, stderr} = await runCli(['journal', 'verify'], env);
    t.is(code, 0, stderr);
    t.regex(stdout, /nothing is wrong/);
    t.notRegex(JSON.stringify(core.logs) + core.stderr() + stdout + stderr + (await runCli(['config'], env)).stdout, /b0b|b%30b/);
  });
}
