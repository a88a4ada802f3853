import test from 'ava';
import {Batches} from '../../src/messages/batches.ts';
import {sqs} from '../../triggers/sqs/index.ts';
import {buriedCopy, messageOf} from '../../triggers/sqs/message.ts';
import {connectQueue} from '../../triggers/sqs/queue.ts';
import {receiveAll} from '../../triggers/sqs/receivers.ts';
import {settle} from '../helpers/clock.ts';
import {fakeHouse} from '../helpers/fakes.ts';

const queue = 'https://sqs.mnq.fr-par.scaleway.com/project-1/orders';
const refused: [title: string, entry: Record<string, unknown>, problem: RegExp][] = [
  ['without a queue', {}, /^`queue`: expected the URL of a queue, got nothing$/],
  ['with the name of a queue', {queue: 'orders'}, /^`queue`: expected a URL that begins with https:\/\/ or http:\/\/$/],
  ['with half a key', {queue, secretAccessKey: 's3cret'}, /^`accessKeyId`: expected it together with `secretAccessKey`$/],
  ['with the token of no key', {queue, sessionToken: 's3cret'}, /^`sessionToken`: expected it together with `accessKeyId`$/],
  [
    'with attempts and no place for what fails',
    {queue, attempts: 3},
    /^`attempts`: expected `deadLetter` with it; without both, the redrive/,
  ],
  ['with a lease longer than a queue can have', {queue, lease: '13h'}, /^`lease`: expected a duration from 2000ms to 43200s/],
  ['with a member of another system', {queue, stream: 'orders'}, /^`stream` is not known/],
];
for (const [title, entry, message] of refused) {
  test(`an entry for SQS ${title} is refused, without its secrets`, t => {
    const error = t.throws(() => sqs.read(entry), {message});
    t.notRegex(String(error), /s3cret/);
  });
}

test('the region is that of the queue where its host names one', t => {
  const regionOf = (given: string) => sqs.read({queue: given}).own.region;
  t.is(regionOf(queue), 'fr-par');
  t.is(regionOf('https://sqs.eu-west-1.amazonaws.com/123456789012/orders'), 'eu-west-1');
  t.is(regionOf('http://localhost:9324/000000000000/orders'), undefined);
  t.is(sqs.read({queue, region: 'nl-ams'}).own.region, 'nl-ams');
});

const unused = async () => {};
const handed = {accept: unused, extend: unused, giveBack: unused};

test('a message has the attributes of the queue’s', t => {
  const message = messageOf(
    {
      MessageId: 'm1',
      Body: 'näh',
      Attributes: {ApproximateReceiveCount: '3', SentTimestamp: '1700000000000', MessageGroupId: 'g', SequenceNumber: '18'},
      MessageAttributes: {
        'Content-Type': {DataType: 'String', StringValue: 'text/plain'},
        tenant: {DataType: 'String', StringValue: 'a'},
        bytes: {DataType: 'Binary', BinaryValue: Buffer.from([0, 255])},
      },
    },
    {queue: `${queue}.fifo`, isFifo: true, handed},
  );
  t.like(message, {
    key: 'orders.fifo/m1',
    sentAt: 1700000000000,
    contentType: 'text/plain',
    attempt: 3,
    lane: 'g',
    destination: 'orders.fifo',
  });
  t.is(String(message.body), 'näh');
  t.deepEqual(message.attributes, ['tenant', 'a', 'bytes', 'AP8=']);
  t.deepEqual(message.facts, {queue: 'orders.fifo', group: 'g', sequence: '18'});
});

test('a message with nothing in it is one with an empty body', t => {
  const message = messageOf({}, {queue, isFifo: false, handed});
  t.like(message, {key: undefined, sentAt: undefined, contentType: '', attempt: 1, lane: undefined, attributes: []});
  t.is(message.body.length, 0);
});

test('a dead letter keeps its group where the queue keeps an order', t => {
  const message = {MessageId: 'm1', Body: 'a', Attributes: {MessageGroupId: 'g'}};
  t.deepEqual(buriedCopy(message, true), {
    MessageBody: 'a',
    MessageAttributes: undefined,
    MessageGroupId: 'g',
    MessageDeduplicationId: 'm1',
  });
  t.false('MessageGroupId' in buriedCopy(message, false));
});

test('what is added while a batch is away goes with the next one, and each succeeds or fails by itself', async t => {
  const away: {batch: readonly string[]; end: PromiseWithResolvers<ReadonlyMap<number, Error>>}[] = [];
  const batches = new Batches<string>(3, batch => {
    const end = Promise.withResolvers<ReadonlyMap<number, Error>>();
    away.push({batch, end});
    return end.promise;
  });
  const ended: string[] = [];
  const add = (name: string) =>
    batches.add(name).then(
      () => ended.push(name),
      (error: Error) => ended.push(`${name}: ${error.message}`),
    );
  const added = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map(add);
  await settle();
  t.deepEqual(
    away.map(({batch}) => batch),
    [
      ['a', 'b', 'c'],
      ['d', 'e', 'f'],
    ],
    'two are away at most',
  );
  away[0]?.end.resolve(new Map([[1, new Error('no such receipt')]]));
  away[1]?.end.reject(new Error('away'));
  await settle();
  away[2]?.end.resolve(new Map());
  await Promise.all(added);
  t.deepEqual(ended.toSorted(), ['a', 'b: no such receipt', 'c', 'd: away', 'e: away', 'f: away', 'g']);
  t.deepEqual(away[2]?.batch, ['g']);
});

test('where no region is known, it says where one is expected', async t => {
  const {AWS_REGION, AWS_DEFAULT_REGION, AWS_PROFILE} = process.env;
  if (AWS_REGION ?? AWS_DEFAULT_REGION ?? AWS_PROFILE) return void t.pass('this machine names one');
  const {own} = sqs.read({queue: 'http://127.0.0.1:1/0/orders', accessKeyId: 'x', secretAccessKey: 'x'});
  await t.throwsAsync(connectQueue(own, {...fakeHouse(), name: 'orders'}), {
    message: /^no region is known: expected `region` in the entry/,
  });
});

/** A queue that is asked by `receiveAll`, with room for 45 messages that stay. */
function receiving() {
  const stop = new AbortController();
  const requests: {readonly most: number; readonly answer: PromiseWithResolvers<readonly number[]>}[] = [];
  let held = 0;
  const roomForMany = async () => (stop.signal.aborted ? 0 : 45 - held);
  const over = receiveAll(
    {signal: stop.signal, most: 45, roomForMany},
    {
      receive(most, signal) {
        const answer = Promise.withResolvers<readonly number[]>();
        requests.push({most, answer});
        signal.addEventListener('abort', () => answer.resolve([]));
        return answer.promise;
      },
      take: () => held++,
    },
  );
  over.catch(() => {});
  const answer = async (at: number, count: number) => {
    requests[at]?.answer.resolve(Array.from({length: count}, () => 0));
    for (let turn = 0; turn < 3; turn++) await settle();
  };
  return {stop, over, requests, answer, asked: () => requests.map(({most}) => most), held: () => held};
}

test('when a request for messages fails, the others end, and the failure is that of the connection', async t => {
  const {over, requests, answer} = receiving();
  await settle();
  await answer(0, 10);
  t.is(requests.length, 3);
  requests[2]?.answer.reject(new Error('access denied'));
  await t.throwsAsync(over, {message: 'access denied'});
});

test('a queue is asked once at a time while it has few, and by more and more requests while it has many, up to the room', async t => {
  const {stop, over, answer, asked, held} = receiving();
  await settle();
  await answer(0, 9);
  t.deepEqual(asked(), [10, 10], 'one after the other');
  await answer(1, 10);
  t.deepEqual(asked(), [10, 10, 10, 10]);
  await answer(2, 10);
  t.deepEqual(asked(), [10, 10, 10, 10, 6], 'so that what is asked for and what is held fit');
  t.is(held(), 29);
  await answer(3, 0);
  await answer(4, 6);
  t.is(held(), 35);
  stop.abort();
  await over;
});

test('when the next batch is full, it does not wait for those that are away', async t => {
  const away: (readonly number[])[] = [];
  const batches = new Batches<number>(3, batch => {
    away.push(batch);
    return new Promise(() => {});
  });
  for (const first of [0, 3]) {
    for (let one = first; one < first + 3; one++) void batches.add(one);
    await settle();
  }
  for (let one = 6; one < 8; one++) void batches.add(one);
  await settle();
  t.is(away.length, 2);
  void batches.add(8);
  await settle();
  t.deepEqual(away[2], [6, 7, 8]);
});
