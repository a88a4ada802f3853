import {Admin, Producer} from '@platformatic/kafka';
import test, {type ExecutionContext} from 'ava';
import {systemClock} from '../../src/clock.ts';
import {Consumer} from '../../src/messages/consumer.ts';
import type {MessageDelivery} from '../../src/messages/delivery.ts';
import {connectKafka} from '../../triggers/kafka/group.ts';
import {fakeHouse} from '../helpers/fakes.ts';
import {missing, startKafka} from '../helpers/kafka.ts';
import {until} from '../helpers/message-place.ts';

/* A message without a value, which says that what its key names is gone, is not one with an empty value. */

interface Seen {
  readonly key: unknown;
  readonly body: string;
  readonly tombstone: unknown;
}

/** Reads a topic with a function that answers with `status`. @returns what it is called with */
function read(t: ExecutionContext, address: string, topic: string, {deadLetter, status}: {deadLetter?: string; status: number}): Seen[] {
  const own = {brokers: [address], topics: [topic], group: topic, from: 'all', deadLetter, sessionMs: 3000} as const;
  const open = {tls: false, ca: undefined, user: undefined, password: undefined, mechanism: 'PLAIN'} as const;
  const seen: Seen[] = [];
  const consumer = new Consumer(
    {
      ...{type: 'kafka', concurrency: 1, ack: 'settled', attempts: deadLetter === undefined ? undefined : 1, retryMs: 300},
      connect: given => connectKafka({...own, ...open}, given),
    },
    {
      ...fakeHouse({
        clock: systemClock,
        async deliver(delivery) {
          const {body, context} = await (delivery as MessageDelivery).input();
          const {key, tombstone} = (context as {message: {key?: string; tombstone?: boolean}}).message;
          seen.push({key, body: String(body), tombstone});
          delivery.reply({status, headers: [], body: ''});
        },
      }),
      name: topic,
    },
  );
  t.teardown(() => consumer[Symbol.asyncDispose]());
  return seen;
}

(missing === undefined ? test.serial : test.skip)(
  'kafka: a message without a value is told from an empty one, also as a dead letter',
  async t => {
    t.timeout(120_000);
    const {address} = await startKafka(t);
    const client = {clientId: 'test', bootstrapBrokers: [address], retries: 10, retryDelay: 200};
    const admin = new Admin(client);
    await admin.createTopics({topics: ['orders', 'dead'], partitions: 1, replicas: 1}).finally(() => admin.close());
    const producer = new Producer(client);
    const records = [
      {key: 'gone', value: null},
      {key: 'empty', value: ''},
      {key: 'full', value: 'x'},
    ];
    const messages = records.map(({key, value}) => ({
      topic: 'orders',
      key: Buffer.from(key),
      value: value === null ? (value as unknown as Buffer) : Buffer.from(value), // the client sends it, its types do not say so
    }));
    await producer.send({acks: -1, messages}).finally(() => producer.close());

    const expected: Seen[] = [
      {key: 'gone', body: '', tombstone: true},
      {key: 'empty', body: '', tombstone: undefined},
      {key: 'full', body: 'x', tombstone: undefined},
    ];
    const failing = read(t, address, 'orders', {deadLetter: 'dead', status: 500});
    const buried = read(t, address, 'dead', {status: 200});
    await until(() => buried.length >= 3);
    t.deepEqual(failing, expected);
    t.deepEqual(buried, expected);
  },
);
