import {createClient} from '@redis/client';
import test from 'ava';
import {systemClock} from '../../src/clock.ts';
import {Consumer} from '../../src/messages/consumer.ts';
import {redis} from '../../triggers/redis/index.ts';
import {connectRedis} from '../../triggers/redis/stream.ts';
import {fakeHouse} from '../helpers/fakes.ts';
import {hasRedis, redisServer} from '../helpers/redis.ts';

const check = hasRedis ? test : test.skip;

check('a server that stands still is away, also while messages are held, and is used again when it goes on', async t => {
  t.timeout(120_000);
  const {server, url} = await redisServer(t);
  const send = async (body: string) => {
    const client = await createClient({url}).connect();
    await client.xAdd('orders', '*', {body});
    client.destroy();
  };
  const calls: string[] = [];
  const held = Promise.withResolvers<void>();
  const house = {
    ...fakeHouse({
      clock: systemClock,
      async deliver(delivery) {
        const input = await delivery.input();
        calls.push(String(input.body));
        await held.promise;
        delivery.reply({status: 200, headers: [], body: ''});
      },
    }),
    name: 'orders',
  };
  const {own} = redis.read({url, stream: 'orders', lease: '3s'});
  const terms = {concurrency: 2, ack: 'settled', attempts: undefined, retryMs: 50} as const;
  await using consumer = new Consumer({...terms, type: 'redis', connect: given => connectRedis(own, given)}, house);
  await until(() => consumer.detail() === undefined);
  await send('first');
  await until(() => calls.length === 1);
  process.kill(server.pid, 'SIGSTOP');
  await until(() => consumer.detail() !== undefined);
  held.resolve();
  process.kill(server.pid, 'SIGCONT');
  await until(() => consumer.detail() === undefined);
  await send('second');
  await until(() => calls.includes('second'));
  t.deepEqual(calls, ['first', 'second']);
});

async function until(fits: () => boolean): Promise<void> {
  while (!fits()) await new Promise(resolve => setTimeout(resolve, 20));
}
