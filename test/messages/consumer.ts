import test from 'ava';
import type {Delivery} from '../../src/delivery.ts';
import {Consumer} from '../../src/messages/consumer.ts';
import type {Connection, Inlet, Message} from '../../src/messages/message.ts';
import type {ListedHouse} from '../../src/trigger.ts';
import {ManualClock, settle} from '../helpers/clock.ts';
import {fakeHouse} from '../helpers/fakes.ts';
import {ordinary} from '../helpers/handled-message.ts';

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
  ...ordinary,
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

/** A consumer of which the test has each connection, and of which each call waits for the test. */
function reconnecting(concurrency: number) {
  const clock = new ManualClock();
  const inlets: {inlet: Inlet; lose(error: Error): void}[] = [];
  let disposed = 0;
  const connect = async (): Promise<Connection> => ({
    async consume(inlet) {
      const lost = Promise.withResolvers<void>();
      inlet.signal.addEventListener('abort', () => lost.resolve());
      inlets.push({inlet, lose: lost.reject});
      await lost.promise;
    },
    async [Symbol.asyncDispose]() {
      disposed++;
    },
  });
  const calls: {id: string; end(status?: number): void}[] = [];
  const house: ListedHouse = {
    ...fakeHouse({
      clock,
      async deliver(delivery: Delivery) {
        const ended = Promise.withResolvers<number>();
        calls.push({id: delivery.id ?? '', end: (status = 200) => ended.resolve(status)});
        delivery.reply({status: await ended.promise, headers: [], body: ''});
      },
    }),
    name: 'orders',
  };
  const consumer = new Consumer({...terms, concurrency, connect}, house);
  const again = async () => {
    const {length} = inlets;
    inlets.at(-1)?.lose(new Error('gone'));
    await settle();
    await clock.advance(500);
    await settle();
    if (inlets.length === length) throw new Error('Expected another connection');
  };
  return {consumer, calls, inlets, again, disposed: () => disposed};
}

test('a connection that was lost is made again while its calls run, and they keep their places', async t => {
  const {consumer, calls, inlets, again, disposed} = reconnecting(2);
  await settle();
  const told: string[] = [];
  const refusing = {...messageOf(told, 'a'), accept: () => Promise.reject(new Error('the connection is lost'))};
  const first = inlets[0]?.inlet.take(refusing);
  await settle();
  await again();
  t.is(disposed(), 0, 'the call needs it');
  t.is(await inlets[1]?.inlet.room(), 1);

  const copy = inlets[1]?.inlet.take(messageOf(told, 'a'));
  await settle();
  t.is(calls.length, 1, 'it is not called beside itself');
  t.is(await inlets[1]?.inlet.room(), 1, 'it shares the place of its call');
  const others = ['b', 'c'].map(key => inlets[1]?.inlet.take(messageOf(told, key)));
  await settle();
  t.is(calls.length, 2, 'a broker that pushes hands out more than have room');

  calls[0]?.end();
  await first;
  await settle();
  t.is(disposed(), 1);
  t.is(calls.length, 3);
  for (const {end} of calls) end();
  await Promise.all([copy, ...others]);
  t.deepEqual(told.toSorted(), ['a', 'b', 'c'], 'each over the connection that delivered it again');
  t.is(calls.length, 3);
  await consumer[Symbol.asyncDispose]();
});

test('a message that failed while its connection was lost is called with again when it is delivered again', async t => {
  const {consumer, calls, inlets, again} = reconnecting(1);
  await settle();
  const told: string[] = [];
  const first = inlets[0]?.inlet.take(messageOf(told, 'a'));
  await settle();
  await again();
  const copy = inlets[1]?.inlet.take(messageOf(told, 'a'));
  calls[0]?.end(500);
  await first;
  await settle();
  t.is(calls.length, 2);
  t.is(calls[1]?.id, calls[0]?.id, 'the same invocation');
  calls[1]?.end();
  await copy;
  t.deepEqual(told, ['a']);
  await consumer[Symbol.asyncDispose]();
});

test('a stop waits for calls of connections that were lost', async t => {
  const {consumer, calls, inlets, again, disposed} = reconnecting(1);
  await settle();
  void inlets[0]?.inlet.take(messageOf([], 'a'));
  await settle();
  await again();
  let hasStopped = false;
  const stopped = consumer[Symbol.asyncDispose]().then(() => {
    hasStopped = true;
  });
  await settle();
  t.false(hasStopped);
  calls[0]?.end();
  await stopped;
  t.is(disposed(), 2);
});
