import type {Clock} from '../../clock.ts';
import {Fault} from '../../errors.ts';
import type {Fact} from '../../facts.ts';
import type {JournalReader} from '../../journal.ts';
import type {WorkState, WorkStore} from '../../work.ts';
import {type DeadFilter, fits, pageDead} from './dead.ts';

export interface RedriveWish {
  /** Which dead letters. */
  readonly filter: DeadFilter;
  /** Only these, and of them those that the filter means. */
  readonly ids?: readonly string[] | undefined;
  /** So many go first; the others follow when all of these have succeeded. */
  readonly canary: number;
  /** How many are sent a second. */
  readonly rate: number;
}

/** How far a redrive is. Times are milliseconds since 1970. */
export interface RedriveProgress {
  /** `checking`: the first ones were sent and have not all ended. */
  readonly state: 'sending' | 'checking' | 'done' | 'stopped' | 'failed';
  readonly sent: number;
  /** Ids that are no dead letters any more. */
  readonly skipped: number;
  readonly startedAt: number;
  readonly endedAt?: number;
  /** Why it ended early. */
  readonly cause?: string;
}

export interface RedriveHouse {
  readonly store: WorkStore;
  readonly journal: Pick<JournalReader, 'last'>;
  readonly clock: Clock;
  /** There is something to claim. */
  readonly wake: () => void;
  /** It ended by an error that is a bug. */
  readonly failed: (error: unknown) => void;
}

/** How often the first ones are looked at, and for how long: retries may take hours. */
const lookMs = 500;
const mostCheckMs = 6 * 3_600_000;
const pageSize = 500;

/** Sends dead letters again, one after another, until all are sent, somebody stops it, or the first ones have failed. */
export class Redrive {
  /** Resolves when it is over; never rejects. */
  readonly over: Promise<void>;
  readonly #house: RedriveHouse;
  readonly #wish: RedriveWish;
  readonly #stopping = new AbortController();
  #progress: RedriveProgress;
  /** The first ones that have not ended. */
  readonly #canaries: string[] = [];
  /** Monotonic: when the next one may be sent. */
  #nextAt: number;

  constructor(wish: RedriveWish, house: RedriveHouse) {
    this.#wish = wish;
    this.#house = house;
    this.#progress = {state: 'sending', sent: 0, skipped: 0, startedAt: house.clock.now()};
    this.#nextAt = house.clock.monotonic();
    this.over = this.#run();
  }

  get progress(): RedriveProgress {
    return this.#progress;
  }

  get isOver(): boolean {
    return this.#progress.endedAt !== undefined;
  }

  /** What was sent stays sent. */
  stop(): void {
    this.#stopping.abort();
  }

  async #run(): Promise<void> {
    let toCheck = this.#wish.canary;
    try {
      for await (const letter of this.#letters()) {
        if (toCheck > 0 && this.#canaries.length === toCheck) {
          await this.#check();
          toCheck = 0;
        }
        await this.#pace();
        await this.#send(letter, toCheck > 0);
      }
      if (toCheck > 0 && this.#canaries.length > 0) await this.#check(); // nothing follows, but how they ended is asked for
      this.#end({state: 'done'});
    } catch (error) {
      if (error instanceof Stop) this.#end({state: error.state, cause: error.message});
      else this.#end({state: 'failed', cause: error instanceof Fault ? error.message : 'the core runtime failed: its log has the cause'});
      if (!(error instanceof Stop || error instanceof Fault)) this.#house.failed(error);
    }
  }

  /** Those that were sent and have died again are behind the place where this reads on, so none is sent twice. */
  async *#letters(): AsyncGenerator<WorkState> {
    const {store} = this.#house;
    const {filter, ids} = this.#wish;
    if (ids) {
      for (const id of ids) {
        const item = await store.find(id);
        if (item?.status === 'dead' && fits(item, filter)) yield item;
        else this.#add({skipped: 1});
      }
      return;
    }
    for (let after: string | undefined; ; ) {
      const {items, next} = await pageDead(store, filter, after, pageSize);
      yield* items;
      if (next === undefined) return;
      after = next;
    }
  }

  async #send({id, deadAt}: WorkState, isCanary: boolean): Promise<void> {
    const {store, clock, wake} = this.#house;
    const now = clock.now();
    const redriven: Fact = {type: 'invocation.redriven', data: {deadForMs: Math.max(0, now - (deadAt ?? now))}};
    // A commit that failed may be kept in spite of it: then the item is due.
    if (!(await store.redrive(id, {facts: [redriven], due: now}).finally(wake))) return this.#add({skipped: 1});
    this.#add({sent: 1});
    if (isCanary) this.#canaries.push(id);
  }

  /** Sends are spread over the time, so that the function gets no burst. @throws Stop */
  async #pace(): Promise<void> {
    const now = this.#house.clock.monotonic();
    const waitMs = this.#nextAt - now;
    if (this.#stopping.signal.aborted) throw new Stop('stopped', stoppedText);
    if (waitMs > 0) await this.#sleep(waitMs);
    this.#nextAt = Math.max(now, this.#nextAt) + 1000 / this.#wish.rate;
  }

  /** Waits until the first ones have ended. @throws Stop when one has not succeeded */
  async #check(): Promise<void> {
    const {clock} = this.#house;
    const until = clock.monotonic() + mostCheckMs;
    this.#progress = {...this.#progress, state: 'checking'};
    for (const id of this.#canaries) {
      while (!(await this.#hasSucceeded(id))) {
        if (clock.monotonic() >= until) throw new Stop('failed', `invocation ${id} has not ended after ${mostCheckMs / 3_600_000} hours`);
        await this.#sleep(lookMs);
      }
    }
    this.#progress = {...this.#progress, state: 'sending'};
  }

  /** @returns false while it has not ended @throws Stop when it has ended otherwise */
  async #hasSucceeded(id: string): Promise<boolean> {
    const {store, journal} = this.#house;
    const item = await store.find(id);
    if (item && item.status !== 'dead') return false;
    const fact = (await journal.last(`invocation.${id}`))?.fact;
    const {outcome, status = 0} = fact?.type === 'invocation.settled' ? fact.data : {outcome: undefined};
    if (!item && outcome === 'responded' && status < 400) return true;
    throw new Stop('failed', `invocation ${id}, one of the first, ended as ${outcome ?? 'unknown'} with status ${status}`);
  }

  async #sleep(ms: number): Promise<void> {
    if (!(await this.#house.clock.sleep(ms, this.#stopping.signal))) throw new Stop('stopped', stoppedText);
  }

  #add({sent = 0, skipped = 0}: {sent?: number; skipped?: number}): void {
    this.#progress = {...this.#progress, sent: this.#progress.sent + sent, skipped: this.#progress.skipped + skipped};
  }

  #end(end: Pick<RedriveProgress, 'state' | 'cause'>): void {
    this.#progress = {...this.#progress, ...end, endedAt: this.#house.clock.now()};
  }
}

const stoppedText = 'somebody stopped it';

class Stop extends Error {
  readonly state: 'stopped' | 'failed';

  constructor(state: 'stopped' | 'failed', message: string) {
    super(message);
    this.state = state;
  }
}
