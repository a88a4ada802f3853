import {randomUUID} from 'node:crypto';
import http from 'node:http';
import {join} from 'node:path';
import {connect} from '@nats-io/transport-node';
import test from 'ava';
import {systemClock} from '../../src/clock.ts';
import {ConfigurationError, Fault} from '../../src/errors.ts';
import type {Access} from '../../src/journals/engine.ts';
import {openJournal} from '../../src/journals/open.ts';
import {recordingLog, recordingMeter} from '../helpers/fakes.ts';
import {folderWith} from '../helpers/folder.ts';
import {all, fact, numbers} from '../helpers/journal-suite.ts';
import {type NatsCluster, natsServer, startNats} from '../helpers/nats.ts';
import {refusingPort} from '../helpers/port.ts';
import {retention as usual} from '../helpers/sqlite-journal.ts';

/* What a start refuses, what it promises, and how it goes on when servers were away. */

interface Opening {
  readonly name?: string;
  readonly access?: Access;
  readonly login?: string;
  readonly maxBytes?: number;
  /** Undefined: a command opens it. */
  readonly core?: undefined;
}

function open(
  {hosts, monitors}: Pick<NatsCluster, 'hosts' | 'monitors'>,
  {name = randomUUID() as string, access = {}, login = '', maxBytes = 2 ** 26, ...who}: Opening = {},
) {
  const log = recordingLog();
  const house = {clock: systemClock, log, meter: recordingMeter(), ...('core' in who ? {} : {core: randomUUID()})};
  const location = `nats://${login}${hosts}/${name}`;
  const retention = {...usual, maxBytes};
  const wish = {location, fallback: undefined, mustLast: true, retention, access: {synced: monitors, ...access}};
  return openJournal(wish, house).then(opened => ({...opened, isDurable: () => opened.isDurable, log}));
}

if (!natsServer) test.skip('there is no nats-server: CORE_TEST_NATS names the folder that has it', () => {});
else {
  const one = await startNats(1);
  const lazy = await startNats(1, {sync: '2m'});
  const guarded = await startNats(1, {more: 'authorization {users: [{user: ann, password: "s3cret"}]}'});
  test.after.always(() => Promise.all([one, lazy, guarded].map(cluster => cluster[Symbol.asyncDispose]())));

  test('servers that let nobody in, or have no JetStream, stop the start, and no password is told', async t => {
    await using without = await startNats(1, {more: 'jetstream: false'});
    await t.throwsAsync(open(without), {instanceOf: ConfigurationError, message: /the server has no JetStream/});
    const error = await t.throwsAsync(open(guarded, {login: 'ann:wrong-pass@'}), {
      instanceOf: ConfigurationError,
      message: /no server lets this core in/,
    });
    t.notRegex(error.message, /wrong-pass/);
    await t.throwsAsync(open(one, {access: {credentials: '/nowhere.creds'}}), {instanceOf: ConfigurationError, message: /nowhere\.creds/});
  });

  test('servers that are not there are waited for by a core, and stop a command; no password is told', async t => {
    const hosts = `127.0.0.1:${await refusingPort(t)}`;
    const {journal, isDurable, health, log} = await open({hosts, monitors: ''}, {login: 'ann:s3cret@'});
    await using _closed = journal;
    t.false(isDurable());
    t.regex(health()?.problem ?? '', /no server lets this core in at 127/);
    t.notRegex(JSON.stringify([log.lines, health()]), /s3cret/);
    await t.throwsAsync(open({hosts, monitors: ''}, {core: undefined}), {
      instanceOf: ConfigurationError,
      message: /CORE_JOURNAL: .*no server lets this core in at 127/,
    });
  });

  test('a user and a password in the URL let a core in, and are not shown', async t => {
    const {journal, location} = await open(guarded, {login: 'ann:s3cret@'});
    await using _closed = journal;
    t.is((await journal.append('a', [fact(1)])).durability, 'fsync');
    t.notRegex(location, /s3cret|ann/);
  });

  test('a stream that somebody made otherwise is refused, and the message says what is needed', async t => {
    const connection = await connect({servers: one.hosts});
    for (const [wrong, rule] of [
      [{discard: 'old'}, /has discard old: new is needed/],
      [{max_age: 3600e9}, /has max_age/],
      [{allow_atomic: false}, /has allow_atomic .*: true is needed/],
    ] as const) {
      const name = randomUUID();
      const config = {
        name: `CORE_${name}`,
        subjects: [`core.${name}.>`],
        storage: 'file',
        discard: 'new',
        allow_direct: true,
        allow_msg_ttl: true,
      };
      const made = {...config, allow_atomic: true, allow_rollup_hdrs: true, ...wrong};
      await connection.request(`$JS.API.STREAM.CREATE.CORE_${name}`, JSON.stringify(made));
      await t.throwsAsync(open(one, {name}), {instanceOf: ConfigurationError, message: rule});
    }
    await connection.close();
  });

  test('a stream that an import has made gets its size from the first core', async t => {
    const name = randomUUID();
    const connection = await connect({servers: one.hosts});
    const size = async () =>
      (await connection.request(`$JS.API.STREAM.INFO.CORE_${name}`)).json<{config: {max_bytes: number}}>().config.max_bytes;
    for (const [maxBytes, expected] of [
      [Number.MAX_SAFE_INTEGER, -1],
      [2 ** 26, 2 ** 26],
      [2 ** 25, 2 ** 26],
    ] as const) {
      await using _closed = (await open(one, {name, maxBytes})).journal;
      t.is(await size(), expected);
    }
    await connection.close();
  });

  test('one server is for development; one that does not sync promises less', async t => {
    for (const [cluster, access, durability, synced, warning] of [
      [one, {}, 'fsync', 'seen', /for development/],
      [lazy, {}, 'process', 'no', /sync_interval: always/],
      [lazy, {synced: 'asserted'}, 'fsync', 'asserted', /for development/],
      [one, {synced: 'http://127.0.0.1:9'}, 'process', 'no', /CORE_JOURNAL_SYNCED/],
    ] as const) {
      const {journal, can, log} = await open(cluster, {access});
      await using _closed = journal;
      t.like(can, {durability, synced});
      t.is((await journal.append('a', [fact(1)])).durability, durability);
      t.true(
        log.lines.some(({level, message}) => level === 'warn' && warning.test(message)),
        String(warning),
      );
    }
  });

  test('servers that are older than what is needed are named, whatever API they have', async t => {
    const older = {server_id: 'A', server_name: 'old', version: '2.15.2', jetstream: {config: {sync_always: true}}};
    const watched = http.createServer((_, response) => void response.end(JSON.stringify(older)));
    t.teardown(() => watched.close());
    await new Promise<void>(resolve => void watched.listen(0, '127.0.0.1', resolve));
    const address = watched.address();
    const {journal, log} = await open(one, {access: {synced: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`}});
    await using _closed = journal;
    const [warned, ...more] = log.lines.filter(({message}) => message.includes('2.15.3 or later is needed'));
    t.deepEqual([warned?.level, warned?.fields, more.length], ['warn', {servers: {old: '2.15.2'}}, 0]);
  });

  test('while the servers are away nothing is acknowledged, and it goes on by itself when they are back', async t => {
    t.timeout(240_000);
    await using cluster = await startNats(3);
    const {journal, can, isDurable} = await open(cluster);
    await using _closed = journal;
    t.like(can, {durability: 'replicated', synced: 'seen'});
    await journal.append('a', [fact(1)]);
    t.true(isDurable());
    await Promise.all(cluster.nodes.map(node => node.kill()));
    await t.throwsAsync(journal.append('a', [fact(2)], {expect: 0}), {instanceOf: Fault, code: 'JOURNAL_FAILED'});
    t.false(isDurable());
    await Promise.all(cluster.nodes.map(node => node.start()));
    for (let tries = 0; !isDurable() && tries < 300; tries++) await systemClock.sleep(100);
    t.true(isDurable());
    await journal.append('a', [fact(3)]);
    const read = numbers(await all(journal.read('a')));
    t.deepEqual([read[0], read.at(-1)], [1, 3]);
  });

  test('a file of credentials is read when the core starts', async t => {
    const file = join(await folderWith(t, {'core.creds': 'no credentials'}), 'core.creds');
    await t.throwsAsync(open(one, {access: {credentials: file}}), {instanceOf: ConfigurationError, message: /no server lets this core in/});
  });
}
