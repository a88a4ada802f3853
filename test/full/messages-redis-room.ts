import {createClient} from '@redis/client';
import test from 'ava';
import {systemClock} from '../../src/clock.ts';
import {Consumer} from '../../src/messages/consumer.ts';
import {redis} from '../../triggers/redis/index.ts';
import {connectRedis} from '../../triggers/redis/stream.ts';
import {fakeHouse} from '../helpers/fakes.ts';
import {hasRedis, redisServer} from '../helpers/redis.ts';

const check = hasRedis ? test : test.skip;

check('entries that come again run beside new ones only as far as there is room', async t => {
  t.timeout(120_000);
  const {url} = await redisServer(t);
  const client = await createClient({url}).connect();
  t.teardown(() => client.destroy());
  const calls: string[] = [];
  let [running, most] = [0, 0];
  const house = {
    ...fakeHouse({
      clock: systemClock,
      async deliver(delivery) {
        most = Math.max(most, ++running);
        const body = String((await delivery.input()).body);
        const isFirst = !calls.includes(body);
        calls.push(body);
        if (!isFirst) await client.xAdd('orders', '*', {body: `${body}+`}); // so something new comes while it runs
        await systemClock.sleep(50);
        running--;
        delivery.reply({status: isFirst && !body.endsWith('+') ? 500 : 200, headers: [], body: ''});
      },
    }),
    name: 'orders',
  };
  const {own} = redis.read({url, stream: 'orders', lease: '3s'});
  const terms = {concurrency: 1, ack: 'settled', attempts: undefined, retryMs: 50} as const;
  await using _ = new Consumer({...terms, type: 'redis', connect: given => connectRedis(own, given)}, house);
  for (const body of ['a', 'b', 'c']) await client.xAdd('orders', '*', {body});
  await until(() => calls.length === 9);
  t.deepEqual(calls.toSorted(), ['a', 'a', 'a+', 'b', 'b', 'b+', 'c', 'c', 'c+']);
  t.is(most, 1);
});

check('what cannot be put aside, as its place is no stream, is not acknowledged', async t => {
  const {url} = await redisServer(t);
  const client = await createClient({url}).connect();
  t.teardown(() => client.destroy());
  await client.set('dead', 'a text');
  const {own} = redis.read({url, stream: 'orders', deadLetter: 'dead', attempts: 1});
  const house = {...fakeHouse({clock: systemClock}), name: 'orders'};
  await t.throwsAsync(connectRedis(own, house), {message: '`deadLetter`: expected `dead` to be a stream, and it is a string'});
  await client.del('dead');
  const connection = await connectRedis(own, house);
  await connection[Symbol.asyncDispose]();
});

async function until(fits: () => boolean): Promise<void> {
  while (!fits()) await new Promise(resolve => setTimeout(resolve, 20));
}
