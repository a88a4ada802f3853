import {type Consumer, FetchIsolationLevels, findErrorBy, ListOffsetTimestamps} from '@platformatic/kafka';
import type {Log} from '../../src/log.ts';
import type {Partition, PartitionHouse} from './partition.ts';
import {readRecords} from './records.ts';

/** Most bytes of records that wait, over all partitions, where memory is not scarce; a batch that is larger is taken all the same. */
const usualBytes = 16 * 2 ** 20;
const [leastPerPartition, mostPerPartition] = [16 * 2 ** 10, 256 * 2 ** 10];
/** Longest wait of a broker for new records: a partition that has room again meanwhile waits for as long. */
const waitMs = 250;

/** Asks brokers for the records of partitions that have room: a partition that stands still holds back no other. */
export class Fetches {
  readonly #consumer: Consumer;
  readonly #topics: readonly string[];
  readonly #partitions: () => readonly Partition[];
  readonly #house: PartitionHouse & {readonly log: Log; readonly name: string};
  readonly #onError: (error: Error) => void;
  readonly #mostBytes: number;
  /** Brokers that are being asked. */
  readonly #asked = new Set<number>();
  /** Who leads each partition, by the last look. */
  readonly #leaders = new WeakMap<Partition, number>();
  #isLooking = false;
  /** It was asked to look since it began to. */
  #isAsked = false;
  /** Partitions of the topics. */
  #count: number | undefined;

  constructor(
    consumer: Consumer,
    {
      topics,
      partitions,
      house,
      mostBytes,
      onError,
    }: {
      topics: readonly string[];
      partitions: () => readonly Partition[];
      house: PartitionHouse & {readonly log: Log; readonly name: string};
      mostBytes: number;
      onError: (error: Error) => void;
    },
  ) {
    this.#consumer = consumer;
    this.#topics = topics;
    this.#partitions = partitions;
    this.#house = house;
    this.#onError = onError;
    this.#mostBytes = Math.min(usualBytes, mostBytes);
  }

  /** Asks every broker that is not being asked already, and that leads a partition with room. */
  go(): void {
    if (this.#house.signal.aborted) return;
    this.#isAsked = true;
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.#lookUntilSeen().catch(this.#onError);
  }

  async #lookUntilSeen(): Promise<void> {
    try {
      while (this.#isAsked) {
        this.#isAsked = false;
        await this.#look();
      }
    } finally {
      this.#isLooking = false; // in the same turn as the last look at what is asked: nothing is overlooked
    }
  }

  async #look(): Promise<void> {
    if (this.#hungry().length === 0) return;
    const {topics} = await this.#consumer.metadata({topics: [...this.#topics]});
    const count = this.#topics.reduce((sum, topic) => sum + (topics.get(topic)?.partitionsCount ?? 0), 0);
    this.#count ??= count;
    if (count !== this.#count) throw new Error('the partitions of a topic have changed: the group is joined again');
    const leaderOf = ({topic, partition}: Partition) => topics.get(topic)?.partitions[partition]?.leader ?? -1;
    for (const [leader, some] of Map.groupBy(this.#hungry(), leaderOf)) {
      for (const each of some) this.#leaders.set(each, leader);
      if (this.#asked.has(leader) || this.#house.signal.aborted) continue;
      this.#asked.add(leader);
      this.#ask(leader, some, topic => topics.get(topic)?.id ?? '')
        .catch(this.#onError)
        .finally(() => {
          this.#asked.delete(leader);
          this.go();
        });
    }
  }

  async #ask(node: number, some: readonly Partition[], idOf: (topic: string) => string): Promise<void> {
    const asked = new Map(some.map(each => [`${idOf(each.topic)}/${each.partition}`, each]));
    const partitionMaxBytes = this.#perPartition();
    const topics = some.map(({topic, partition, next: fetchOffset}) => ({
      topicId: idOf(topic),
      partitions: [{partition, fetchOffset, partitionMaxBytes, currentLeaderEpoch: -1, lastFetchedEpoch: -1}],
    }));
    const isolationLevel = FetchIsolationLevels.READ_COMMITTED;
    const options = {node, topics, minBytes: 1, maxBytes: this.#mostBytes, maxWaitTime: waitMs, isolationLevel};
    const response = await this.#consumer.fetch(options).catch(async (error: Error) => {
      if (!findErrorBy(error, 'apiId', 'OFFSET_OUT_OF_RANGE')) throw error;
      await this.#skipForgotten(some);
    });
    for (const {topicId, partitions} of response?.responses ?? []) {
      for (const fetched of partitions) {
        const partition = asked.get(`${topicId}/${fetched.partitionIndex}`);
        if (!partition?.isOwned) continue; // assigned anew meanwhile
        const {found, next} = readRecords(fetched, partition.next);
        if (next !== undefined) partition.add(found, next, this.#house);
      }
    }
  }

  /** Records that were not read in time are gone: the topic keeps them for a while only. */
  async #skipForgotten(some: readonly Partition[]): Promise<void> {
    const [first, end] = await Promise.all(
      [ListOffsetTimestamps.EARLIEST, ListOffsetTimestamps.LATEST].map(timestamp =>
        this.#consumer.listOffsets({topics: [...this.#topics], timestamp}),
      ),
    );
    for (const partition of some) {
      const least = first?.get(partition.topic)?.[partition.partition] ?? 0n;
      const most = end?.get(partition.topic)?.[partition.partition] ?? least;
      if (partition.next >= least && partition.next <= most) continue;
      const {log, name} = this.#house;
      const fields = {
        trigger: name,
        topic: partition.topic,
        partition: partition.partition,
        from: String(partition.next),
        to: String(least),
      };
      log.warn(fields, 'A partition no longer has the offset that was to be read next: it is read from its first one on');
      partition.add([], least, this.#house);
    }
  }

  /** Those whose records that wait are few, and whose leader can be asked. */
  #hungry(): Partition[] {
    const most = this.#perPartition() / 4;
    const isAsked = (partition: Partition) => this.#asked.has(this.#leaders.get(partition) ?? -1);
    return this.#partitions().filter(each => each.isOwned && each.bytes < most && !isAsked(each));
  }

  #perPartition(): number {
    return Math.max(leastPerPartition, Math.min(mostPerPartition, Math.floor(this.#mostBytes / Math.max(1, this.#partitions().length))));
  }
}
