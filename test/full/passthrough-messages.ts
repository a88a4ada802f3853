import {spawnSync} from 'node:child_process';
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {createClient} from '@redis/client';
import test, {type ExecutionContext} from 'ava';
import {startProgram} from '../helpers/broker.ts';
import {jobsPlace, until} from '../helpers/jobs.ts';
import {freePort} from '../helpers/port.ts';

/*
Messages in front of a server: each is a POST to `/` with the message as its body, acknowledged once it was answered with 2xx.
Debian: package redis-server.
*/

const check = spawnSync('redis-server', ['--version']).status === 0 ? test : test.skip; // PATH has no redis-server

/** A broker for one test, and its client. */
async function openRedis(t: ExecutionContext) {
  const [folder, port] = [await mkdtemp(join(tmpdir(), 'redis-')), await freePort()];
  const server = await startProgram(['redis-server', '--bind', '127.0.0.1', '--port', String(port), '--dir', folder, '--save', ''], port);
  const client = createClient({url: `redis://127.0.0.1:${port}`, socket: {reconnectStrategy: false}});
  client.on('error', () => {}); // the server ends before it
  t.teardown(async () => {
    client.destroy();
    await server.kill();
    await rm(folder, {recursive: true, force: true});
  });
  await client.connect();
  const entry = {
    name: 'orders',
    type: 'redis',
    url: `redis://127.0.0.1:${port}`,
    stream: 'orders',
    group: 'g',
    deadLetter: 'dead',
    retry: '50ms',
  };
  return {
    client,
    env: {CORE_TRIGGERS: JSON.stringify([{...entry, attempts: 3}])},
    send: (body: string, attributes: Record<string, string> = {}) => client.xAdd('orders', '*', {body, ...attributes}),
    async left() {
      const [group] = await client.xInfoGroups('orders').catch(() => []);
      return group ? Number(group.pending) + Number(group.lag ?? 0) : Number.NaN;
    },
  };
}

check('a message that is answered with anything but 2xx comes again, and at last is put aside', async t => {
  const redis = await openRedis(t);
  const {start, calls} = await jobsPlace(t, redis.env);
  await start();
  await redis.send('{"key":"once","statuses":[500,404,200]}');
  await redis.send('{"key":"never","statuses":[409]}');
  await until(async () => (await redis.left()) === 0);
  const attempts = calls().filter(({body}) => body.includes('once'));
  t.is(attempts.length, 3);
  t.deepEqual(
    attempts.map(({headers}) => JSON.parse(headers['core-event-context'] ?? '').message.attempt),
    [1, 2, 3],
  );
  t.is(calls().filter(({body}) => body.includes('never')).length, 3);
  t.deepEqual(
    ((await redis.client.xRange('dead', '-', '+')) ?? []).map(each => each?.message.body),
    ['{"key":"never","statuses":[409]}'],
  );
});

check('a message arrives with its attributes, and says what it is', async t => {
  const redis = await openRedis(t);
  const {start, calls} = await jobsPlace(t, redis.env);
  const core = await start();
  await redis.send('hello – you', {
    'content-type': 'text/plain',
    'X-Order': '7',
    'bad name': 'x',
    Host: 'evil.example',
    'Content-Length': '3',
  });
  await until(() => calls().length === 1);
  const [call] = calls();
  t.like(call, {method: 'POST', url: '/', body: 'hello – you'});
  t.like(call?.headers, {
    'core-event-type': 'redis',
    'content-type': 'text/plain',
    'x-order': '7',
    host: 'localhost',
    'content-length': '13',
  });
  t.is(call?.headers['bad name'], undefined);
  await until(async () => (await redis.left()) === 0);
  t.is(await core.stop(), 0);
});

check('what was being handled when the core was killed is handled by the next', async t => {
  const redis = await openRedis(t);
  const {start, calls, folder} = await jobsPlace(t, redis.env);
  const core = await start();
  await redis.send(JSON.stringify({until: `${folder}/go`}));
  await until(() => calls().length === 1);
  core.kill('SIGKILL');
  await core.exited;
  await writeFile(`${folder}/go`, '');
  await start();
  await until(async () => (await redis.left()) === 0);
  t.true(calls().length >= 2);
});
