import {randomUUID} from 'node:crypto';
import {Consumer, ListOffsetTimestamps, Producer} from '@platformatic/kafka';
import type {ConnectHouse, Connection, Inlet, Lag} from '../../src/messages/message.ts';
import {Commits} from './commits.ts';
import {Fetches} from './fetches.ts';
import {messageOf} from './message.ts';
import {Partition, type PartitionHouse} from './partition.ts';

export interface KafkaOptions {
  readonly brokers: readonly string[];
  readonly topics: readonly string[];
  readonly group: string;
  /** Where a group begins that has committed nothing. */
  readonly from: 'all' | 'new';
  /** A topic. */
  readonly deadLetter: string | undefined;
  readonly tls: boolean;
  readonly ca: string | undefined;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
  /** How long a member of the group that is not heard of keeps its partitions. */
  readonly sessionMs: number;
}

/** Longest wait for the end of a connection. */
const closeMs = 3000;

/** A member of a group. Each of its partitions is handled in order, and committed as far as everything before is done. */
export async function connectKafka(options: KafkaOptions, house: ConnectHouse): Promise<Connection> {
  const {topics, group, deadLetter, sessionMs} = options;
  const consumer = new Consumer({
    ...clientOptions(options, house),
    groupId: group,
    autocommit: false,
    sessionTimeout: sessionMs,
    rebalanceTimeout: sessionMs,
    heartbeatInterval: Math.min(3000, Math.floor(sessionMs / 10)),
    requestTimeout: sessionMs + 10_000, // joining takes as long as a rebalance
  });
  const producer = deadLetter === undefined ? undefined : new Producer(clientOptions(options, house));
  const lost = Promise.withResolvers<never>();
  lost.promise.catch(() => {});
  const onError = (error: Error) => lost.reject(innermost(error));
  consumer.on('error' as never, onError as never).on('consumer:heartbeat:error', ({error}) => onError(error));
  producer?.on('error' as never, onError as never);

  let partitions: Partition[] = [];
  let onAssigned = () => {};
  const commits = new Commits(consumer, () => partitions, onError, house.clock);
  const disown = () => {
    for (const partition of partitions) partition.isOwned = false;
    partitions = [];
    commits.reassigned();
  };
  consumer.on('consumer:group:join', () => {
    disown();
    const assigned = consumer.assignments;
    assign()
      .then(made => {
        if (assigned !== consumer.assignments) return; // there was another rebalance meanwhile
        partitions = made;
        commits.soon();
        onAssigned();
      })
      .catch(onError);
  });
  const close = async () => {
    disown();
    await Promise.race([Promise.allSettled([consumer.close(true), producer?.close()]), house.clock.sleep(closeMs)]);
  };
  const leave = async () => {
    await Promise.race([commits.flush(), house.clock.sleep(closeMs)]);
    await close();
  };
  house.givenUp?.addEventListener('abort', () => void close());
  try {
    consumer.topics.trackAll(...topics);
    await consumer.joinGroup({});
  } catch (error) {
    await close();
    throw innermost(error);
  }

  return {
    async consume({signal, mostBytes, room, take}: Inlet) {
      let turn: Promise<unknown> = Promise.resolve();
      const inHouse: PartitionHouse & ConnectHouse = {
        ...house,
        signal,
        onDone() {
          commits.soon();
          fetches.go();
        },
        messageOf: (partition, record, done) =>
          messageOf(partition, record, {
            async accept() {
              done();
            },
            isOurs: () => partition.isOwned,
            isNew() {
              partition.mayBeKnown = false;
            },
            ...(deadLetter !== undefined && {
              async bury(why: string) {
                await bury(record, why, `${partition.topic}/${partition.partition}/${record.offset}`);
                done();
              },
            }),
          }),
        async take(partition, message) {
          // In turn, so that partitions that wait for room do not take the same place.
          const mine = turn.then(async () => ({over: (await room()) > 0 && partition.isOwned ? take(message) : undefined}));
          turn = mine;
          await (await mine).over;
        },
      };
      const fetches = new Fetches(consumer, {topics, partitions: () => partitions, house: inHouse, mostBytes, onError});
      onAssigned = () => fetches.go();
      onAssigned();
      const stopped = new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), {once: true}));
      await Promise.race([lost.promise, ...(signal.aborted ? [] : [stopped])]);
    },

    async lag(): Promise<Lag | undefined> {
      const ends = await consumer.listOffsets({topics: [...topics], timestamp: ListOffsetTimestamps.LATEST});
      const behind = partitions.map(({topic, partition, done}) => Number((ends.get(topic)?.[partition] ?? done) - done));
      const sent = partitions.map(({oldest}) => oldest).filter(at => at !== undefined);
      return {count: behind.reduce((sum, count) => sum + Math.max(0, count), 0), oldest: sent.length > 0 ? Math.min(...sent) : undefined};
    },

    leave, // else the group would wait for this member while its calls run, and its partitions would be read by nobody
    [Symbol.asyncDispose]: leave,
  };

  /** The partitions that this core has now, each from where the group has committed. */
  async function assign(): Promise<Partition[]> {
    const assigned = (consumer.assignments ?? []).filter(({partitions: some}) => some.length > 0);
    if (assigned.length === 0) return [];
    const timestamp = options.from === 'all' ? ListOffsetTimestamps.EARLIEST : ListOffsetTimestamps.LATEST;
    const [committed, first] = await Promise.all([
      consumer.listCommittedOffsets({topics: assigned}),
      consumer.listOffsets({topics: [...topics], timestamp}),
    ]);
    return assigned.flatMap(({topic, partitions: some}) =>
      some.map(partition => {
        const at = committed.get(topic)?.[partition] ?? -1n;
        if (at >= 0n) return new Partition(topic, partition, at);
        const begin = first.get(topic)?.[partition] ?? 0n;
        // Else the end of the topic would be another one when it is assigned again, and what has come meanwhile would be lost.
        return new Partition(topic, partition, begin, options.from === 'new' ? -1n : begin);
      }),
    );
  }

  async function bury({key, value, headers}: Parameters<PartitionHouse['messageOf']>[1], why: string, place: string): Promise<void> {
    const named = headers.map(([name, text]) => [name ?? Buffer.alloc(0), text] as const);
    const more = Object.entries({'core-reason': why, 'core-message': place}).map(
      ([name, text]) => [Buffer.from(name), Buffer.from(text)] as const,
    );
    // No value is another thing than an empty one: a topic that is compacted forgets the key. The client sends it, its types do not say so.
    const message = {
      topic: deadLetter ?? '',
      value: value as Buffer,
      ...(key && {key}),
      headers: new Map([...named, ...more] as [Buffer, Buffer][]),
    };
    await producer?.send({messages: [message], acks: -1});
  }
}

function clientOptions({brokers, tls, ca, user, password, mechanism}: KafkaOptions, {name, core}: ConnectHouse) {
  return {
    clientId: `core-runtime-${name}-${core}`.replaceAll(/[^\w.-]/g, '-').slice(0, 200) || randomUUID(),
    bootstrapBrokers: [...brokers],
    connectTimeout: 5000,
    retries: 4,
    retryDelay: 250,
    ...(tls && {tls: {...(ca !== undefined && {ca})}}),
    ...(user !== undefined && password !== undefined && {sasl: {mechanism, username: user, password}}),
  };
}

/** The client wraps an error in one for each thing that it tried: the last of the innermost says what is wrong. */
function innermost(error: unknown): unknown {
  const inner: unknown = error instanceof AggregateError ? error.errors.at(-1) : error instanceof Error ? error.cause : undefined;
  return inner instanceof Error ? innermost(inner) : error;
}
