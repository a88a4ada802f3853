import {spawnSync} from 'node:child_process';
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {createClient} from '@redis/client';
import test from 'ava';
import {startProgram} from '../helpers/broker.ts';
import type {RunningCore} from '../helpers/core.ts';
import type {Broker} from '../helpers/message-broker.ts';
import {message, numbersOf, place, range, until} from '../helpers/message-place.ts';
import {messageSuite} from '../helpers/message-suite.ts';
import {natsServer, startNats} from '../helpers/nats.ts';
import {freePort} from '../helpers/port.ts';
import {ask} from '../helpers/request.ts';

/* Debian: package redis-server. */

const hasRedis = spawnSync('redis-server', ['--version']).status === 0;

const broker: Broker = {
  type: 'redis',
  hasAttributes: true,
  isBounded: true,
  keepsUnacknowledged: true,
  lease: 'lease',
  missing: hasRedis ? undefined : 'redis-server is not installed',

  async open(t) {
    const [folder, port] = [await mkdtemp(join(tmpdir(), 'redis-')), await freePort()];
    t.teardown(() => rm(folder, {recursive: true, force: true, maxRetries: 5}));
    const own = ['--port', String(port), '--dir', folder, '--appendonly', 'yes', '--appendfsync', 'always', '--save', ''];
    const start = () => startProgram(['redis-server', '--bind', '127.0.0.1', ...own], port);
    let server = await start();
    t.teardown(() => server.kill());
    const url = `redis://127.0.0.1:${port}`;
    const [stream, group, dead] = ['orders', 'g', 'orders.dead'];

    const newClient = () => createClient({url, socket: {reconnectStrategy: false}});
    async function withClient<T>(act: (client: ReturnType<typeof newClient>) => Promise<T>): Promise<T> {
      const client = newClient();
      client.on('error', () => {});
      try {
        await client.connect();
        return await act(client);
      } finally {
        if (client.isOpen) client.destroy();
      }
    }

    return {
      entry: {type: 'redis', url, stream, group, deadLetter: dead, lease: '2s', retry: '50ms'},
      send: messages =>
        withClient(async client => {
          await Promise.all(messages.map(({body, attributes}) => client.xAdd(stream, '*', {body, ...attributes})));
        }),
      left: () =>
        withClient(async client => {
          const groups = await client.xInfoGroups(stream).catch(() => []);
          const found = groups.find(({name}) => name === group);
          return found ? Number(found.pending) + Number(found.lag ?? 0) : Number.NaN;
        }),
      buried: () => withClient(async client => ((await client.xRange(dead, '-', '+')) ?? []).map(entry => String(entry?.message.body))),
      kill: () => server.kill(),
      async restart() {
        server = await start();
      },
    };
  },
};

messageSuite('redis', broker);

const check = hasRedis && natsServer ? test.serial : test.skip;

check('redis, on a journal that cores share: only what ran in a core that was killed is called again', async t => {
  t.timeout(240_000);
  const [source, journal] = [await broker.open(t), await startNats(1)];
  t.teardown(() => journal[Symbol.asyncDispose]());
  const shared = {CORE_JOURNAL: `nats://${journal.hosts}/shop`};
  const {folder, start, calls} = await place(t, {...source.entry, concurrency: 4}, shared);
  const [first, second] = [await start(), await start()];

  await source.send(range(40).map(n => message(n)));
  await until(async () => (await source.left()) === 0);
  t.is(calls().length, 40);

  // Both have four when the broker ends: it is never told that they are done, and one of the cores does not live to tell it.
  await source.send(range(8, 40).map(n => message(n, {until: `${folder}/go`})));
  await until(() => calls().length === 48);
  await source.kill();
  await writeFile(`${folder}/go`, '');
  await until(async () => (await settled(second)) === 48);
  first.kill('SIGKILL');
  await first.exited;
  await source.restart();
  await until(async () => (await source.left()) === 0);
  t.is(calls().length, 48, 'the other core knows from the journal what was done');

  const third = await start();
  await source.send(range(8, 48).map(n => message(n, {until: `${folder}/went`})));
  await until(() => calls().length === 56);
  third.kill('SIGKILL');
  await third.exited;
  await writeFile(`${folder}/went`, '');
  await until(async () => (await source.left()) === 0);
  t.is(calls().length, 60);
  t.deepEqual(numbersOf(calls()), range(56));
  t.is(new Set(calls().map(({id}) => id)).size, 56, 'what is called again is the same invocation');
});

/** How many the journal knows to be done. */
const settled = async (core: RunningCore) => {
  const {body} = await ask(`${core.adminUrl}/api/invocations?status=responded&limit=1000`);
  return JSON.parse(body.toString()).invocations.length;
};
