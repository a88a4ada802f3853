import type {Cores} from '../../journal.ts';
import type {JournalHouse} from '../engine.ts';
import {type Commits, commit} from './commit.ts';
import type {Subjects} from './subjects.ts';

export interface LeasesHouse extends Pick<JournalHouse, 'clock' | 'log' | 'core'> {
  /** Notes whether the servers keep what is written; a lease is written also while nobody sends anything. */
  noting<T>(writing: Promise<T>): Promise<T>;
}

/** Longer than the servers need to choose a leader, so that no core is taken for dead while they do. */
const leaseMs = 15_000;
const renewMs = leaseMs / 5;
/** How long is kept that a core has stopped. */
const endedS = 300;

/**
Which cores live. Each keeps a message that the servers remove when its time is over; no clocks are compared. Whether it is
there is asked as of now.
*/
export class Leases implements Cores {
  readonly leaseMs = leaseMs;
  readonly #commits: Commits;
  readonly #subjects: Subjects;
  readonly #house: LeasesHouse;
  /** Since when this core renews its own lease without a break. */
  #steadySince: number;
  #renewedAt = Number.NEGATIVE_INFINITY;
  #isEnding = false;
  #stop = () => {};
  #renewing: Promise<unknown> = Promise.resolve();

  constructor(commits: Commits, subjects: Subjects, house: LeasesHouse) {
    this.#commits = commits;
    this.#subjects = subjects;
    this.#house = house;
    this.#steadySince = house.clock.monotonic();
  }

  /** While the servers were away nobody could renew a lease. So one that is over counts only after a while without a break. */
  async isAlive(core: string): Promise<boolean> {
    if (core === this.#house.core) return true;
    const lease = await this.#commits.reading.lastNow(this.#subjects.lease(core));
    if (lease) return lease.body.length > 0;
    return this.#house.clock.monotonic() - this.#steadySince < leaseMs;
  }

  /** The core of this house lives from now on. A command has none. */
  async begin(): Promise<void> {
    if (this.#house.core === undefined) return;
    // A journal that cannot begin is not noted as one that cannot be written: nobody has it, and another one is opened.
    await this.#put('lives', leaseMs / 1000, writing => writing);
    this.#renewLater();
  }

  /** Others need not wait until the lease is over. */
  async end(): Promise<void> {
    if (this.#house.core === undefined || this.#isEnding) return;
    this.#isEnding = true;
    this.#stop();
    await this.#renewing;
    await this.#put('', endedS).catch(() => {});
  }

  #renewLater(): void {
    if (this.#isEnding) return;
    this.#stop = this.#house.clock.after(renewMs, () => {
      this.#renewing = this.#put('lives', leaseMs / 1000)
        .catch((error: Error) => this.#house.log.warn({cause: error.message}, 'The lease of this core could not be renewed'))
        .then(() => this.#renewLater());
    });
  }

  async #put(body: string, ttlS: number, noting = this.#house.noting): Promise<void> {
    const subject = this.#subjects.lease(this.#house.core ?? '');
    await noting(commit(this.#commits, {prepare: () => [{subject, body, ttlS, replaces: true}], refused: async () => {}, size: 'urgent'}));
    const now = this.#house.clock.monotonic();
    if (now - this.#renewedAt > 2 * renewMs) this.#steadySince = now;
    this.#renewedAt = now;
  }
}
