import type {Consumer} from '@platformatic/kafka';
import test from 'ava';
import {Fetches} from '../../triggers/kafka/fetches.ts';
import {kafka} from '../../triggers/kafka/index.ts';
import {messageOf} from '../../triggers/kafka/message.ts';
import {Partition, type PartitionHouse} from '../../triggers/kafka/partition.ts';
import {type FetchedPartition, type KafkaRecord, readRecords} from '../../triggers/kafka/records.ts';
import {ManualClock, settle} from '../helpers/clock.ts';
import {fakeHouse} from '../helpers/fakes.ts';

const own = {brokers: 'kafka:9092', topic: 'orders'};
const refused: [title: string, entry: Record<string, unknown>, problem: RegExp][] = [
  [
    'without brokers',
    {topic: 'orders'},
    /^`brokers`: expected the address of a broker, such as kafka:9092, or a list of such, got nothing/,
  ],
  ['with the URL of a broker', {...own, brokers: ['kafka://kafka']}, /^`brokers`: expected each address to be a host and a port/],
  ['without a topic', {brokers: 'kafka:9092'}, /^`topic`: expected the name of a topic, or a list of such, got nothing$/],
  ['with a password alone', {...own, password: 's3cret'}, /^`user`: expected it together with `password`$/],
  ['with certificates and no TLS', {...own, ca: 's3cret'}, /^`ca`: expected `tls` to be true with it$/],
  ['with attempts and no place for what fails', {...own, attempts: 3}, /^`deadLetter`: expected a topic for what has failed/],
  [
    'that would read its dead letters',
    {...own, deadLetter: 'orders'},
    /^`deadLetter`: expected a topic that is not among those that are read$/,
  ],
];
for (const [title, entry, message] of refused) {
  test(`an entry for Kafka ${title} is refused, without its secrets`, t => {
    const error = t.throws(() => kafka.read(entry), {message});
    t.notRegex(String(error), /s3cret/);
  });
}

/** An answer with these batches. */
const batch = (firstOffset: number, offsets: readonly number[], some: object = {}) => ({
  firstOffset: BigInt(firstOffset),
  lastOffsetDelta: (offsets.at(-1) ?? firstOffset) - firstOffset,
  attributes: 0,
  firstTimestamp: 1000n,
  maxTimestamp: 2000n,
  producerId: -1n,
  records: offsets.map(offset => ({
    length: 10,
    offsetDelta: offset - firstOffset,
    timestampDelta: BigInt(offset),
    key: null,
    value: null,
    headers: [],
  })),
  ...some,
});
const fetched = (records: unknown, abortedTransactions: unknown = null) => ({records, abortedTransactions}) as FetchedPartition;
const offsetsOf = ({found}: {found: readonly KafkaRecord[]}) => found.map(({offset}) => Number(offset));

test('records before the offset that was asked for are left out', t => {
  const read = readRecords(fetched([batch(0, [0, 1, 2]), batch(3, [3, 5])]), 2n);
  t.deepEqual(offsetsOf(read), [2, 3, 5]);
  t.is(read.next, 6n);
  t.is(readRecords(fetched(null), 2n).next, undefined);
});

test('the time of a record is the sender’s, or that of the log where the topic says so', t => {
  t.deepEqual(
    readRecords(fetched([batch(0, [0, 1]), batch(2, [2], {attributes: 0x08}), batch(3, [3], {firstTimestamp: -4n})]), 0n).found.map(
      ({sentAt}) => sentAt,
    ),
    [1000, 1001, 2000, undefined],
  );
});

test('records of transactions that were aborted are left out, and those around them are not', t => {
  const abort = Buffer.from([0, 0, 0, 0]);
  const mark = (offset: number) => ({
    ...batch(offset, [offset], {attributes: 0x30, producerId: 7n}),
    records: [{offsetDelta: 0, key: abort}],
  });
  const own = {attributes: 0x10, producerId: 7n};
  const read = readRecords(
    fetched(
      [batch(0, [0], own), batch(1, [1]), mark(2), batch(3, [3], own), batch(4, [4], own)],
      [
        {producerId: 7n, firstOffset: 0n},
        {producerId: 7n, firstOffset: 4n},
      ],
    ),
    0n,
  );
  t.deepEqual(offsetsOf(read), [1, 3], 'also of one whose mark is in a later answer');
  t.is(read.next, 5n);
});

test('an answer with nothing but marks leads on', t => {
  const read = readRecords(fetched([batch(4, [4], {attributes: 0x20, records: []})]), 4n);
  t.deepEqual(read, {found: [], next: 5n});
});

const record = (offset: number, some: Partial<KafkaRecord> = {}): KafkaRecord => ({
  offset: BigInt(offset),
  sentAt: 1000 + offset,
  key: null,
  value: Buffer.from('{}'),
  headers: [],
  bytes: 100,
  ...some,
});
const unused = {accept: async () => {}};

test('a record without a value is a tombstone; keys and headers that are no text are Base64', t => {
  const place = {topic: 'orders', partition: 3};
  const odd = record(5, {
    value: null,
    key: Buffer.from([255]),
    headers: [
      [Buffer.from('a'), Buffer.from([254])],
      [null, null],
    ],
  });
  const message = messageOf(place, odd, unused);
  t.is(message.body.length, 0);
  t.deepEqual(message.facts, {topic: 'orders', partition: 3, offset: '5', keyBase64: '/w==', tombstone: true});
  t.deepEqual(message.attributes, ['a', '/g==', '', '']);
  t.is(message.key, 'orders/3/5');
  const plain = messageOf(
    place,
    record(6, {key: Buffer.from('k'), headers: [[Buffer.from('Content-Type'), Buffer.from('text/plain')]]}),
    unused,
  );
  t.like(plain, {contentType: 'text/plain', attributes: [], facts: {key: 'k'}, lane: 'orders/3'});
});

test('a partition handles its records in order, and stays at one that is not done', async t => {
  const clock = new ManualClock();
  const taken: bigint[] = [];
  const fails = new Set([1n]);
  const known: bigint[] = [];
  const partition = new Partition('orders', 0, 0n);
  const house: PartitionHouse = {
    clock,
    signal: new AbortController().signal,
    onDone: () => {},
    messageOf: (_, {offset}, done) => {
      const isNew = () => {
        partition.mayBeKnown = false;
      };
      return messageOf(partition, record(Number(offset)), {accept: async () => done(), isNew});
    },
    async take(_, message) {
      const offset = BigInt(String(message.facts.offset));
      taken.push(offset);
      if (message.mayBeAgain) known.push(offset);
      if (message.mayBeAgain && offset > 0n) message.isNew?.();
      if (!fails.delete(offset)) await message.accept();
    },
  };
  partition.add([record(0), record(1), record(2)], 5n, house);
  await settle();
  t.deepEqual(taken, [0n, 1n]);
  t.is(partition.done, 1n, 'nothing behind it is committed');
  await clock.advance(1000);
  await settle();
  t.deepEqual(taken, [0n, 1n, 1n, 2n]);
  t.is(partition.done, 5n, 'with the offsets that have no record');
  t.is(partition.bytes, 0);
  t.deepEqual(known, [0n, 1n, 1n], 'behind the first one that is not known, none is, but for one that is tried again');
  partition.isOwned = false;
  partition.add([record(5)], 6n, house);
  await settle();
  t.is(partition.done, 5n, 'what another core has now is not begun');
});

test('what is done can be committed before anybody learns that its message is over', async t => {
  const partition = new Partition('orders', 0, 7n);
  const seen: bigint[] = [];
  const house: PartitionHouse = {
    clock: new ManualClock(),
    signal: new AbortController().signal,
    onDone: () => {},
    messageOf: (_, {offset}, done) => messageOf(partition, record(Number(offset)), {accept: async () => done()}),
    async take(_, message) {
      await message.accept();
      seen.push(partition.done);
    },
  };
  partition.add([record(7), record(9)], 12n, house);
  await settle();
  t.deepEqual(seen, [8n, 10n]);
  t.is(partition.done, 12n);
});

test('brokers are asked for no more bytes than have room', async t => {
  for (const [mostBytes, maxBytes, partitionMaxBytes] of [
    [2 ** 30, 2 ** 24, 2 ** 18],
    [2 ** 18, 2 ** 18, 2 ** 17],
    [2 ** 10, 2 ** 10, 2 ** 14],
  ] as const) {
    const asked = Promise.withResolvers<{readonly maxBytes: number; readonly topics: unknown}>();
    const consumer = {
      metadata: async () => ({topics: new Map([['orders', {id: 'i', partitionsCount: 2, partitions: [{leader: 1}, {leader: 1}]}]])}),
      async fetch(options: Awaited<typeof asked.promise>) {
        asked.resolve(options);
        return new Promise(() => {}); // there is nothing
      },
    } as unknown as Consumer; // as much of it as is used
    const partitions = [new Partition('orders', 0, 0n), new Partition('orders', 1, 0n)];
    const house = {...fakeHouse(), name: 'orders', signal: new AbortController().signal} as never; // nothing else of it is used
    new Fetches(consumer, {
      topics: ['orders'],
      partitions: () => partitions,
      house,
      mostBytes,
      onError: error => t.fail(error.message),
    }).go();
    const request = await asked.promise;
    t.like(request, {maxBytes, topics: [{partitions: [{partitionMaxBytes}]}, {partitions: [{partitionMaxBytes}]}]});
  }
});
