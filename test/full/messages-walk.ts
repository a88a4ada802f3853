import {createClient} from '@redis/client';
import test from 'ava';
import {hasRedis, redisServer} from '../helpers/redis.ts';
import {ranDuring, startWatched, walkOf} from '../helpers/walk.ts';

const check = hasRedis ? test : test.skip;

check('a message runs every file of its walk', async t => {
  t.timeout(60_000);
  const {url} = await redisServer(t);
  const client = await createClient({url}).connect();
  t.teardown(() => client.destroy());
  const core = await startWatched(t, {CORE_TRIGGERS: JSON.stringify([{type: 'redis', name: 'orders', url, stream: 'orders'}])});
  const isDone = async () => (await client.xInfoGroups('orders').catch(() => []))[0];
  while (!(await isDone())); // the core has made its group
  const ran = await ranDuring(core, async () => {
    await client.xAdd('orders', '*', {body: 'hi'});
    for (let group = await isDone(); group?.['entries-read'] !== 1 || group.pending > 0; group = await isDone());
  });
  const walk = walkOf('message');
  t.true(walk.length > 5);
  for (const file of walk) t.true(ran.has(file), `${file} did not run`);
});
