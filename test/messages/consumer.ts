import test from 'ava';
import type {Delivery} from '../../src/delivery.ts';
import {Consumer} from '../../src/messages/consumer.ts';
import type {Connection, Inlet, Message} from '../../src/messages/message.ts';
import type {ListedHouse} from '../../src/trigger.ts';
import {ManualClock} from '../helpers/clock.ts';
import {fakeHouse} from '../helpers/fakes.ts';

const terms = {type: 'fake', ack: 'settled', concurrency: 4, attempts: undefined, retryMs: 1000} as const;

/** A consumer whose connection is in the hands of the test, and whose calls end when it says so. */
async function place() {
  const lost = Promise.withResolvers<void>();
  const opened = Promise.withResolvers<Inlet>();
  const calls: Delivery[] = [];
  const connection: Connection = {
    async consume(inlet) {
      opened.resolve(inlet);
      await lost.promise;
    },
    async [Symbol.asyncDispose]() {},
  };
  const house: ListedHouse = {
    ...fakeHouse({
      clock: new ManualClock(),
      async deliver(delivery: Delivery) {
        calls.push(delivery);
        await ended.promise;
        delivery.reply({status: 200, headers: [], body: ''});
      },
    }),
    name: 'orders',
  };
  const ended = Promise.withResolvers<void>();
  const consumer = new Consumer({...terms, connect: async () => connection}, house);
  return {consumer, inlet: await opened.promise, calls, lose: lost.reject, end: ended.resolve};
}

const messageOf = (told: string[], key: string): Message => ({
  key,
  sentAt: undefined,
  body: Buffer.from('{}'),
  contentType: '',
  attributes: [],
  facts: {},
  destination: 'orders',
  mayBeAgain: true,
  async accept() {
    told.push(key);
  },
});

test('a lost connection is said at once, also while a function runs', async t => {
  const {consumer, inlet, calls, lose, end} = await place();
  const taken = inlet.take(messageOf([], 'a'));
  while (calls.length === 0) await new Promise(resolve => setImmediate(resolve));
  t.is(consumer.detail(), undefined);
  lose(new Error('gone'));
  while (consumer.detail() === undefined) await new Promise(resolve => setImmediate(resolve));
  t.is(consumer.detail(), 'orders: the broker is away: gone');
  end();
  await taken;
  await consumer[Symbol.asyncDispose]();
});

test('a message that is there twice at the same time is called with once', async t => {
  const {consumer, inlet, calls, lose, end} = await place();
  const told: string[] = [];
  const taken = [messageOf(told, 'a'), messageOf(told, 'a')].map(inlet.take);
  end();
  await Promise.all(taken);
  t.is(calls.length, 1);
  t.deepEqual(told, ['a', 'a']);
  const closed = consumer[Symbol.asyncDispose]();
  lose(new Error('gone'));
  await closed;
});

test('a broker that ends each connection at once is asked less and less often', async t => {
  const clock = new ManualClock();
  const at: number[] = [];
  const connection: Connection = {
    async consume() {
      throw new Error('no such queue');
    },
    async [Symbol.asyncDispose]() {},
  };
  const connect = async () => {
    at.push(clock.monotonic());
    return connection;
  };
  const consumer = new Consumer({...terms, connect}, {...fakeHouse({clock}), name: 'orders'});
  for (let second = 0; second < 40; second++) await clock.advance(500);
  t.deepEqual(at, [0, 500, 1500, 3500, 7500, 15_500]);
  await consumer[Symbol.asyncDispose]();
});
