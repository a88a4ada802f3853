import type {CommitOptionsPartition, Consumer} from '@platformatic/kafka';
import type {Clock} from '../../src/clock.ts';
import type {Partition} from './partition.ts';

/** Wait between two commits: one costs as much as some calls. */
const pauseMs = 5;

/** Commits what is done, many partitions at a time. */
export class Commits {
  readonly #consumer: Consumer;
  /** Those that are assigned. */
  readonly #partitions: () => Iterable<Partition>;
  readonly #onError: (error: Error) => void;
  readonly #clock: Clock;
  /** Aborts when a commit must not wait. */
  readonly #hurry = new AbortController();
  /** What is on its way. */
  #sent: CommitOptionsPartition[] = [];
  #running: Promise<void> | undefined;

  constructor(consumer: Consumer, partitions: () => Iterable<Partition>, onError: (error: Error) => void, clock: Clock) {
    this.#clock = clock;
    this.#consumer = consumer;
    this.#partitions = partitions;
    this.#onError = onError;
  }

  /** Something is done. What is done while a commit is on its way goes with the next one. */
  soon(): void {
    this.#running ??= this.#run().catch(this.#onError);
  }

  /** The last commit: resolves when everything that is done is committed, or cannot be. */
  async flush(): Promise<void> {
    this.#hurry.abort();
    this.soon();
    await this.#running;
  }

  /**
  The partitions were assigned anew. The client joins the group again when a commit is refused for that, and then repeats the
  commit: it must not say how far this core came in partitions that another has now.
  */
  reassigned(): void {
    this.#sent.length = 0;
  }

  async #run(): Promise<void> {
    await Promise.resolve();
    try {
      for (let due = this.#due(); due.length > 0; due = this.#due()) {
        this.#sent = due.map(({topic, partition, done}) => ({topic, partition, offset: done, leaderEpoch: -1}));
        const offsets = this.#sent.map(({offset}) => offset);
        await this.#consumer.commit({offsets: this.#sent});
        for (const [index, partition] of due.entries()) partition.committed = offsets[index] ?? partition.committed;
        await this.#clock.sleep(pauseMs, this.#hurry.signal);
      }
    } finally {
      this.#running = undefined;
    }
  }

  #due(): Partition[] {
    return [...this.#partitions()].filter(({isOwned, done, committed}) => isOwned && done > committed);
  }
}
