import {CreateQueueCommand, DeleteQueueCommand, SendMessageBatchCommand, SendMessageCommand, SQSClient} from '@aws-sdk/client-sqs';
import test, {type ExecutionContext} from 'ava';
import {systemClock} from '../../src/clock.ts';
import {Consumer} from '../../src/messages/consumer.ts';
import type {MessageDelivery} from '../../src/messages/delivery.ts';
import {connectQueue} from '../../triggers/sqs/queue.ts';
import {missing, startElasticMq} from '../helpers/elasticmq.ts';
import {fakeHouse} from '../helpers/fakes.ts';

/* What a queue of SQS does besides what all systems do. */

const check = missing === undefined ? test.serial : test.skip;

/** A queue, and a consumer whose function is `act`. */
async function place(t: ExecutionContext, queues: string, name: string, act: (delivery: MessageDelivery, body: string) => Promise<number>) {
  t.timeout(240_000);
  const server = await startElasticMq(t, queues);
  const queue = `${server.url}/${name}`;
  const keys = {accessKeyId: 'x', secretAccessKey: 'x'};
  const client = new SQSClient({region: 'elasticmq', credentials: {...keys}, endpoint: new URL(queue).origin});
  t.teardown(() => client.destroy());
  const house = {
    ...fakeHouse({
      clock: systemClock,
      async deliver(delivery) {
        const {body} = await (delivery as MessageDelivery).input();
        delivery.reply({status: await act(delivery as MessageDelivery, String(body)), headers: [], body: ''});
      },
    }),
    name: 'orders',
  };
  const own = {queue, endpoint: undefined, region: 'elasticmq', ...keys, sessionToken: undefined, deadLetter: undefined, leaseMs: 5000};
  const terms = {concurrency: 20, ack: 'settled', attempts: undefined, retryMs: 1000} as const;
  const start = () => new Consumer({...terms, type: 'sqs', connect: given => connectQueue(own, given)}, house);
  return {client, queue, start};
}

async function until(fits: () => boolean): Promise<void> {
  while (!fits()) await new Promise(resolve => setTimeout(resolve, 20));
}

check('a message that fails goes back with those of its group, which keep their order, and holds back no other group', async t => {
  const calls: string[] = [];
  let fails = 2;
  const {client, queue, start} = await place(t, '"orders.fifo" {fifo = true}', 'orders.fifo', async (_, body) => {
    calls.push(body);
    return body === 'a1' && fails-- > 0 ? 500 : 200;
  });
  const bodies = ['a0', 'b0', 'a1', 'b1', 'a2', 'b2', 'a3'];
  const Entries = bodies.map((MessageBody, index) => ({
    Id: String(index),
    MessageBody,
    MessageGroupId: MessageBody[0],
    MessageDeduplicationId: MessageBody,
  }));
  await client.send(new SendMessageBatchCommand({QueueUrl: queue, Entries}));
  await using _ = start();
  await until(() => calls.includes('a3') && calls.includes('b2'));
  t.deepEqual(
    calls.filter(body => body.startsWith('a')),
    ['a0', 'a1', 'a1', 'a1', 'a2', 'a3'],
  );
  t.deepEqual(
    calls.filter(body => body.startsWith('b')),
    ['b0', 'b1', 'b2'],
  );
  t.true(calls.indexOf('b2') < calls.lastIndexOf('a1'), 'another group does not wait');
});

check('many requests for messages at a time keep the order of each group', async t => {
  const calls: string[] = [];
  const {client, queue, start} = await place(t, '"orders.fifo" {fifo = true}', 'orders.fifo', async (_, body) => {
    await new Promise(resolve => setTimeout(resolve, Math.random() * 20));
    calls.push(body);
    return 200;
  });
  const groups = Array.from({length: 20}, (_, group) => `g${group}`);
  for (let n = 0; n < 6; n++) {
    for (const some of [groups.slice(0, 10), groups.slice(10)]) {
      const Entries = some.map((group, index) => ({
        Id: String(index),
        MessageBody: `${group}-${n}`,
        MessageGroupId: group,
        MessageDeduplicationId: `${group}-${n}`,
      }));
      await client.send(new SendMessageBatchCommand({QueueUrl: queue, Entries}));
    }
  }
  await using _ = start();
  await until(() => calls.length >= 120);
  for (const group of groups) {
    t.deepEqual(
      calls.filter(body => body.startsWith(`${group}-`)),
      Array.from({length: 6}, (_, n) => `${group}-${n}`),
    );
  }
});

check('odd messages arrive as they are', async t => {
  const calls = new Map<string, Record<string, string>>();
  const {client, queue, start} = await place(t, 'orders {}', 'orders', async (delivery, body) => {
    const {headers} = await delivery.input();
    const texts = headers.map(text => Buffer.from(text, 'latin1').toString());
    calls.set(
      body.length > 100 ? `${body.length} characters` : body,
      Object.fromEntries(
        Map.groupBy(texts.keys(), index => index >> 1)
          .values()
          .map(([name = 0, value = 0]) => [texts[name], texts[value]]),
      ),
    );
    return 200;
  });
  const text = (StringValue: string) => ({DataType: 'String', StringValue});
  const odd = {
    'Content-Length': text('7'),
    'a.b_c-d': text('line\nline\r\n\u{1f600}'),
    __proto: text('x'),
    bytes: {DataType: 'Binary.png', BinaryValue: Buffer.from([0, 255])},
  };
  await client.send(new SendMessageCommand({QueueUrl: queue, MessageBody: 'odd', MessageAttributes: odd}));
  await client.send(new SendMessageCommand({QueueUrl: queue, MessageBody: 'ü'.repeat(100_000)}));
  await using _ = start();
  await until(() => calls.size === 2);
  t.like(calls.get('odd'), {'a.b_c-d': 'line\nline\r\n\u{1f600}', bytes: 'AP8='});
  t.true(calls.has('100000 characters'));
});

check('a queue that is not there is said, and found when it is', async t => {
  const calls: string[] = [];
  const {client, queue, start} = await place(t, 'orders {}', 'orders', async (_, body) => {
    calls.push(body);
    return 200;
  });
  await client.send(new DeleteQueueCommand({QueueUrl: queue}));
  await using consumer = start();
  await until(() => /queue does not exist/i.test(consumer.detail() ?? ''));
  await client.send(new CreateQueueCommand({QueueName: 'orders'}));
  await client.send(new SendMessageCommand({QueueUrl: queue, MessageBody: 'a'}));
  await until(() => calls.length === 1);
  t.is(consumer.detail(), undefined);
});
