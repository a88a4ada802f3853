import type {Clock} from '../../src/clock.ts';
import type {Message} from '../../src/messages/message.ts';
import type {KafkaRecord} from './records.ts';

/** What a partition needs of the group. */
export interface PartitionHouse {
  readonly clock: Clock;
  /** Aborts when nothing more is to be started. */
  readonly signal: AbortSignal;
  /** Waits for room, and takes the message. Resolves when it is over; at once when nothing is to be taken any more. */
  take(partition: Partition, message: Message): Promise<void>;
  /** The message of a record, which says that it is done. */
  messageOf(partition: Partition, record: KafkaRecord, done: () => void): Message;
  /** More is done: it can be committed, and there may be room for further records. */
  onDone(): void;
}

/** Wait before a record is tried again whose message could not be handled. */
const againMs = 1000;

/** A partition while it is assigned: handles its records one after another. */
export class Partition {
  readonly topic: string;
  readonly partition: number;
  /** The first offset that is not done. */
  done: bigint;
  committed: bigint;
  /** Where to read on. */
  next: bigint;
  /** Bytes of the records that wait. */
  bytes = 0;
  /** False as soon as it may belong to another core: nothing more of it is started, and nothing committed. */
  isOwned = true;
  /**
  What was done and not committed comes again when the partition is assigned. As records are handled in order, nothing behind the
  first one that is not known can be: the journal is not asked for each of them.
  */
  mayBeKnown = true;
  readonly #records: KafkaRecord[] = [];
  #isRunning = false;

  /** @param begin where to read from @param committed -1 where nothing is, and where to read from has to be kept for the next time */
  constructor(topic: string, partition: number, begin: bigint, committed = begin) {
    this.topic = topic;
    this.partition = partition;
    this.done = begin;
    this.committed = committed;
    this.next = begin;
  }

  /** When the first record that is not done was sent. */
  get oldest(): number | undefined {
    return this.#records[0]?.sentAt;
  }

  add(records: readonly KafkaRecord[], next: bigint, house: PartitionHouse): void {
    this.#records.push(...records);
    this.bytes += records.reduce((sum, {bytes}) => sum + bytes, 0);
    this.next = next;
    if (this.#records.length > 0) {
      if (!this.#isRunning) void this.#run(house);
    } else if (this.isOwned) {
      this.done = next; // such as the marks of transactions
      house.onDone();
    }
  }

  async #run(house: PartitionHouse): Promise<void> {
    this.#isRunning = true;
    for (let record = this.#records[0]; record && this.isOwned && !house.signal.aborted; record = this.#records[0]) {
      let isDone = false;
      await house.take(
        this,
        house.messageOf(this, record, () => {
          isDone = true;
          this.done = record.offset + 1n; // now: the last commit of a stop begins as soon as the message is over
        }),
      );
      if (!isDone) {
        this.mayBeKnown = true;
        await house.clock.sleep(againMs, house.signal);
        continue;
      }
      this.#records.shift();
      this.bytes -= record.bytes;
      this.done = this.#records.length > 0 ? record.offset + 1n : this.next;
      house.onDone();
    }
    this.#isRunning = false;
  }
}
