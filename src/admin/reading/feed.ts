import type {Clock} from '../../clock.ts';
import type {JournalReader, Position, Recorded} from '../../journal.ts';
import type {Budget} from '../../limits/budget.ts';
import {mostAtOnce, Newest, writeFrame} from './newest.ts';
import type {Page, PageWish} from './pages.ts';

/** How often the journal is asked for new facts. It is asked once for all streams, so another stream costs it nothing. */
const pollMs = 200;

export interface FeedHouse {
  readonly journal: JournalReader;
  readonly clock: Clock;
  readonly budget: Budget;
  /** Reads facts that are older than those kept here. */
  readonly page: (wish: PageWish, left: AbortSignal) => Promise<Page>;
}

/** New facts for all open event streams. The journal is read once for all, and only while a stream is open. */
export class Feed {
  readonly #house: FeedHouse;
  readonly #waiting = new Set<() => void>();
  #started: Promise<Newest> | undefined;
  #listeners = 0;

  constructor(house: FeedHouse) {
    this.#house = house;
  }

  /** Begins to listen; call `leave` once when done. @throws what the journal throws */
  async join(): Promise<Listening> {
    this.#listeners++;
    this.#started ??= this.#start();
    try {
      const newest = await this.#started;
      return {
        seen: newest.seen,
        next: (after, prefix, wait) => this.#next(newest, after, prefix, wait),
        nextFacts: (after, prefix, wait) => this.#nextFacts(newest, after, prefix, wait),
        leave: () => this.#leave(),
      };
    } catch (error) {
      this.#leave();
      throw error;
    }
  }

  #leave(): void {
    if (--this.#listeners > 0) return;
    const started = this.#started;
    this.#started = undefined;
    started?.then(
      newest => newest.end(),
      () => {},
    );
  }

  async #start(): Promise<Newest> {
    const {journal, clock, budget} = this.#house;
    const floor = await journal.before(Number.MAX_SAFE_INTEGER);
    const newest = new Newest(floor, budget.open('stream'));
    void this.#poll(newest, journal, clock);
    return newest;
  }

  async #poll(newest: Newest, journal: JournalReader, clock: Clock): Promise<void> {
    while (await clock.sleep(pollMs, newest.signal)) {
      const {seen} = newest;
      try {
        for await (const recorded of journal.scan('', {after: seen})) newest.keep(recorded);
      } catch (error) {
        newest.fail(error);
        if (this.#started && (await this.#started) === newest) this.#started = undefined;
      }
      if (newest.seen > seen || newest.signal.aborted) this.#wake();
    }
  }

  async #next(newest: Newest, after: Position, prefix: string, {ms, signal}: Wait): Promise<Page> {
    newest.check();
    if (after < newest.floor) {
      const {seen} = newest; // taken before the page is read: later facts are among the newest
      const page = await this.#house.page({prefix, after, write: writeFrame, most: mostAtOnce}, signal);
      return page.isLast ? {...page, after: Math.max(page.after, seen)} : page;
    }
    if (after >= newest.seen) await this.#more(ms, signal);
    newest.check();
    return after < newest.floor ? {text: '', after, isLast: false} : newest.textAfter(after, prefix);
  }

  async #nextFacts(newest: Newest, after: Position, prefix: string, {ms, signal}: Wait): Promise<{facts: Recorded[]; after: Position}> {
    newest.check();
    if (after >= newest.seen) await this.#more(ms, signal);
    newest.check();
    return {facts: newest.factsAfter(after, prefix), after: newest.seen};
  }

  async #more(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const {promise, resolve} = Promise.withResolvers<void>();
    const stop = this.#house.clock.after(ms, resolve);
    this.#waiting.add(resolve);
    signal.addEventListener('abort', wakeUp, {once: true});
    await promise;
    signal.removeEventListener('abort', wakeUp);
    this.#waiting.delete(resolve);
    stop();

    function wakeUp() {
      resolve();
    }
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
  }
}

export interface Wait {
  readonly ms: number;
  readonly signal: AbortSignal;
}

export interface Listening {
  /** The newest fact when it began. */
  readonly seen: Position;
  /** Waits for facts after a position. `text` is '' when no fact with that prefix came in time. */
  next(after: Position, prefix: string, wait: Wait): Promise<Page>;
  /** Waits for facts after a position, as they are. A caller that comes late misses those that are not kept any more. */
  nextFacts(after: Position, prefix: string, wait: Wait): Promise<{readonly facts: readonly Recorded[]; readonly after: Position}>;
  leave(): void;
}
