import {Admin, Consumer as Client, Producer} from '@platformatic/kafka';
import test, {type ExecutionContext} from 'ava';
import {systemClock} from '../../src/clock.ts';
import {MemoryJournal} from '../../src/journals/memory/journal.ts';
import {Consumer} from '../../src/messages/consumer.ts';
import type {MessageDelivery} from '../../src/messages/delivery.ts';
import {connectKafka} from '../../triggers/kafka/group.ts';
import {fakeHouse} from '../helpers/fakes.ts';
import {missing, startKafka} from '../helpers/kafka.ts';

/* What Kafka does besides what all systems do. */

const check = missing === undefined ? test.serial : test.skip;

type Act = (body: string, core: string) => Promise<number>;

/** A topic, and cores that share a journal and whose function is `act`. */
async function place(t: ExecutionContext, partitions: number, act: Act, from: 'all' | 'new' = 'all') {
  t.timeout(240_000);
  const server = await startKafka(t);
  const client = {clientId: 'test', bootstrapBrokers: [server.address], retries: 5, retryDelay: 200};
  const admin = new Admin(client);
  await admin.createTopics({topics: ['orders'], partitions, replicas: 1});
  await admin.close();
  const producer = new Producer(client);
  t.teardown(() => producer.close());
  const own = {brokers: [server.address], topics: ['orders'], group: 'g', from, deadLetter: undefined, sessionMs: 3000} as const;
  const open = {tls: false, ca: undefined, user: undefined, password: undefined, mechanism: 'PLAIN'} as const;
  const terms = {concurrency: 20, ack: 'settled', attempts: undefined, retryMs: 300} as const;
  const journal = new MemoryJournal(systemClock);
  const start = (core: string) =>
    new Consumer(
      {...terms, type: 'kafka', connect: given => connectKafka({...own, ...open}, given)},
      {
        ...fakeHouse({
          clock: systemClock,
          core,
          journal,
          async deliver(delivery) {
            const {body} = await (delivery as MessageDelivery).input();
            delivery.reply({status: await act(String(body), core), headers: [], body: ''});
          },
        }),
        name: 'orders',
      },
    );
  const send = (partition: number, ...values: (string | undefined)[]) =>
    producer.send({
      acks: -1,
      messages: values.map(
        text => ({topic: 'orders', partition, ...(text !== undefined && {value: Buffer.from(text)})}) as {topic: string; value: Buffer},
      ),
    });
  const committed = async () => {
    const reader = new Client({...client, groupId: 'g'});
    const topics = [{topic: 'orders', partitions: Array.from({length: partitions}, (_, index) => index)}];
    const found = await reader.listCommittedOffsets({topics}).finally(() => reader.close());
    return (found.get('orders') ?? []).map(Number);
  };
  const grow = async (count: number) => {
    const more = new Admin(client);
    await more.createPartitions({topics: [{name: 'orders', count, assignments: null}]}).finally(() => more.close());
  };
  return {start, send, committed, grow};
}

async function until(fits: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await fits())) await new Promise(resolve => setTimeout(resolve, 20));
}

check('a message that fails holds back its partition, and no other', async t => {
  const calls: string[] = [];
  let status = 500;
  const {start, send, committed} = await place(t, 2, async body => {
    calls.push(body);
    return body === 'a1' ? status : 200;
  });
  await send(0, 'a0', 'a1', 'a2');
  await using _ = start('one');
  await until(() => calls.filter(body => body === 'a1').length > 1);
  const large = 'b'.repeat(1000);
  for (let round = 0; round < 10; round++) await send(1, ...Array.from({length: 50}, () => large));
  await until(async () => (await committed())[1] === 500);
  t.is((await committed())[0], 1);
  t.false(calls.includes('a2'));
  status = 200;
  await until(async () => (await committed())[0] === 3);
  t.deepEqual([...new Set(calls.filter(body => body.startsWith('a')))], ['a0', 'a1', 'a2']);
});

check('partitions move to a core that comes and back when it goes, and every message is done once', async t => {
  const calls: {body: string; core: string}[] = [];
  const {start, send, committed} = await place(t, 4, async (body, core) => {
    calls.push({body, core});
    await systemClock.sleep(20);
    return 200;
  });
  const sum = async () => (await committed()).reduce((total, offset) => total + Math.max(0, offset), 0);
  let sent = 0;
  const more = async () => {
    for (let partition = 0; partition < 4; partition++) await send(partition, ...Array.from({length: 25}, () => String(sent++)));
  };
  await more();
  await using _ = start('one');
  await until(() => calls.length > 10);
  const two = start('two');
  // What is there may be done before the other has joined.
  while (!calls.some(({core}) => core === 'two')) {
    await more();
    await systemClock.sleep(300);
  }
  await more();
  await two[Symbol.asyncDispose]();
  const before = calls.length;
  await more();
  await until(async () => (await sum()) === sent);
  t.true(calls.slice(before).some(({core}) => core === 'one'));
  const bodies = calls.map(({body}) => Number(body)).toSorted((a, b) => a - b);
  t.deepEqual(
    [...new Set(bodies)],
    Array.from({length: sent}, (_, index) => index),
  );
  t.log(`${sent} messages, ${bodies.length - sent} called again`);
  t.true(bodies.length - sent <= 8, 'only those that ran while their partition moved');
});

check('messages without a value, and of a megabyte, arrive', async t => {
  const sizes: number[] = [];
  const {start, send} = await place(t, 1, async body => sizes.push(body.length) && 200);
  await send(0, undefined, '');
  await send(0, 'x'.repeat(1_000_000));
  await send(0, 'end');
  await using _ = start('one');
  await until(() => sizes.length === 4);
  t.deepEqual(sizes, [0, 0, 1_000_000, 3]);
});

check('partitions that a topic gets later are read, too', async t => {
  const calls: string[] = [];
  const {start, send, grow} = await place(t, 1, async body => calls.push(body) && 200);
  await using _ = start('one');
  await send(0, 'a');
  await until(() => calls.length === 1);
  await grow(2);
  await until(() =>
    send(1, 'b').then(
      () => true,
      () => false,
    ),
  );
  await until(() => calls.includes('b'));
  t.is(calls.filter(body => body === 'a').length, 1);
});

check('what has come since a group began with what is new is not lost, though none of it is done', async t => {
  const calls: {body: string; core: string}[] = [];
  const act: Act = async (body, core) => {
    calls.push({body, core});
    return core === 'one' ? 500 : 200;
  };
  const {start, send} = await place(t, 1, act, 'new');
  await send(0, 'old');
  const one = start('one');
  for (let sent = 0; calls.length === 0; sent++) {
    await send(0, String(sent));
    await systemClock.sleep(20);
  }
  await one[Symbol.asyncDispose]();
  await using _ = start('two');
  await until(() => calls.some(({core}) => core === 'two'));
  t.not(calls[0]?.body, 'old');
  t.is(calls.find(({core}) => core === 'two')?.body, calls[0]?.body);
});
