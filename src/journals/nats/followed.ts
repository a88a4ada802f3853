import type {FollowOptions, Recorded} from '../../journal.ts';
import {Followers} from '../followers.ts';
import type {Patience} from './insist.ts';
import {lastOf, messageOf, mostFacts, readFacts} from './message.ts';
import type {Kept, Reading} from './reading.ts';
import type {Subjects} from './subjects.ts';
import type {Transport} from './transport.ts';

interface Follower {
  /** How the subjects that it follows begin. */
  readonly root: string;
  /** The newest message that it was told of. */
  told: number;
}

/** What was told is read; what was told while nobody listened is found by looking. */
const lookMs = 1000;
const pauseMs = 10;
/** How long a copy may lack what was told. */
const behindMs = 1000;

export interface FollowedHouse {
  readonly transport: Transport;
  readonly reading: Reading;
  readonly subjects: Subjects;
  readonly patience: Patience;
  after(ms: number, fire: () => void): () => void;
  /** Sends what waits to be sent. */
  flush(): void;
}

/** Follows the journal: the servers tell of each message that they keep, which is then read. They keep nothing of a follower. */
export class Followed {
  readonly #house: FollowedHouse;
  readonly #waiting = new Followers();
  readonly #followers = new Set<Follower>();
  readonly #asking = new Set<Promise<unknown>>();
  #isEnding = false;
  #stopHearing = () => {};
  #stopLooking = () => {};

  constructor(house: FollowedHouse) {
    this.#house = house;
    house.transport.onBreak(() => this.wake());
  }

  get count(): number {
    return this.#followers.size;
  }

  async *follow({after, signal, prefix = ''}: FollowOptions): AsyncGenerator<Recorded> {
    const {subjects, patience, flush} = this.#house;
    const of = subjects.below(prefix);
    const follower: Follower = {root: of.slice(0, -1), told: 0};
    this.#enter(follower);
    try {
      let emptySince = 0;
      for (let seen = after; !signal.aborted && !this.#isEnding; ) {
        const {times} = this.#waiting; // read before the question, so that what comes meanwhile is not missed
        flush();
        const from = messageOf(seen) + (seen % mostFacts === mostFacts - 1 ? 1 : 0);
        const page = await this.#read(of, from);
        for (const kept of page) {
          for (const recorded of readFacts(kept)) {
            if (recorded.position > seen && recorded.stream.startsWith(prefix)) yield recorded;
            if (signal.aborted) return;
          }
          seen = lastOf(kept.sequence);
        }
        const now = patience.clock.monotonic();
        if (page.length > 0) emptySince = now;
        else if (follower.told >= from && now - emptySince < behindMs) await patience.clock.sleep(pauseMs, signal);
        else {
          follower.told = 0;
          await this.#waiting.next(times, signal);
          emptySince = patience.clock.monotonic();
        }
      }
    } catch (error) {
      if (!this.#isEnding) throw error;
    } finally {
      this.#leave(follower);
    }
  }

  /** Called when there may be more, or when nothing will come any more. */
  wake(): void {
    this.#waiting.wake();
  }

  /** Ends every follower once it has what it has asked for. */
  async end(): Promise<void> {
    this.#isEnding = true;
    this.#waiting.wake();
    await Promise.allSettled([...this.#asking]);
  }

  #read(of: string, from: number): Promise<readonly Kept[]> {
    const asking = this.#house.reading.page({of, from});
    this.#asking.add(asking);
    const done = () => this.#asking.delete(asking);
    asking.then(done, done);
    return asking;
  }

  #enter(follower: Follower): void {
    this.#followers.add(follower);
    if (this.count > 1) return;
    const {transport, subjects} = this.#house;
    this.#stopHearing = transport.subscribe(subjects.told.dest, ({field}) =>
      this.#hear(field('Nats-Subject'), Number(field('Nats-Sequence'))),
    );
    this.#look();
  }

  #leave(follower: Follower): void {
    this.#followers.delete(follower);
    if (this.count > 0) return;
    this.#stopLooking();
    this.#stopHearing();
  }

  #hear(subject: string, sequence: number): void {
    let concerns = false;
    for (const follower of this.#followers) {
      if (!subject.startsWith(follower.root)) continue;
      follower.told = Math.max(follower.told, sequence);
      concerns = true;
    }
    if (concerns) this.#waiting.wake();
  }

  #look(): void {
    this.#stopLooking = this.#house.after(lookMs, () => {
      this.#waiting.wake();
      this.#look();
    });
  }
}
