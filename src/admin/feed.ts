import type {Budget, Hold} from '../budget.ts';
import type {Clock} from '../clock.ts';
import type {JournalReader, Position, Recorded} from '../journal.ts';
import {plainFact} from '../projections/plain.ts';
import type {Page} from './pages.ts';

/** How often the journal is asked for new facts, once for all streams: a stream costs it nothing more then. */
const pollMs = 200;
/** Characters of the newest facts that are kept for the streams; one that falls behind them reads pages. */
const mostRecent = 2 ** 20;
/** Characters that are handed on at a time. */
export const mostAtOnce = 2 ** 16;

interface Frame {
  readonly position: Position;
  readonly stream: string;
  readonly text: string;
}

export interface FeedHouse {
  readonly journal: JournalReader;
  readonly clock: Clock;
  readonly budget: Budget;
  /** Reads facts that are not among the newest any more. */
  readonly page: (prefix: string, after: Position, write: (recorded: Recorded) => string, most: number) => Promise<Page>;
}

/** New facts for every open event stream: looked for once, written once, kept for a while. Idle while nobody listens. */
export class Feed {
  readonly #house: FeedHouse;
  readonly #waiting = new Set<() => void>();
  #started: Promise<Run> | undefined;
  #listeners = 0;

  constructor(house: FeedHouse) {
    this.#house = house;
  }

  /** @returns leave it with this, once @throws what the journal throws */
  async join(): Promise<Listening> {
    this.#listeners++;
    this.#started ??= this.#start();
    try {
      const run = await this.#started;
      return {next: (after, prefix, wait) => this.#next(run, after, prefix, wait), leave: () => this.#leave()};
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
      run => run.end(),
      () => {},
    );
  }

  async #start(): Promise<Run> {
    const {journal, clock, budget} = this.#house;
    const newest = await journal.before(Number.MAX_SAFE_INTEGER);
    const run = new Run(newest, budget.open('stream'));
    void this.#poll(run, journal, clock);
    return run;
  }

  async #poll(run: Run, journal: JournalReader, clock: Clock): Promise<void> {
    while (await clock.sleep(pollMs, run.signal)) {
      const {seen} = run;
      try {
        for await (const recorded of journal.scan('', {after: seen})) run.keep(recorded);
      } catch (error) {
        run.fail(error);
        if (this.#started && (await this.#started) === run) this.#started = undefined;
      }
      if (run.seen > seen || run.signal.aborted) this.#wake();
    }
  }

  async #next(run: Run, after: Position, prefix: string, {ms, signal}: Wait): Promise<Page> {
    run.check();
    if (after < run.floor) {
      const {seen} = run; // before it is read: whatever comes later is among the newest
      const page = await this.#house.page(prefix, after, writeFrame, mostAtOnce);
      return page.isLast ? {...page, after: Math.max(page.after, seen)} : page;
    }
    if (after >= run.seen) await this.#more(ms, signal);
    run.check();
    return after < run.floor ? {text: '', after, isLast: false} : run.textAfter(after, prefix);
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
  /** The facts after a position, as text; waits for them. `text` is '' when none came in time, or none with that prefix. */
  next(after: Position, prefix: string, wait: Wait): Promise<Page>;
  leave(): void;
}

/** The newest facts while somebody listens. */
class Run {
  /** Every fact after it, up to `seen`, is kept here. */
  floor: Position;
  seen: Position;
  #failure: {readonly error: unknown} | undefined;
  readonly #hold: Hold;
  readonly #ending = new AbortController();
  #frames: Frame[] = [];
  #length = 0;

  constructor(newest: Position, hold: Hold) {
    this.floor = newest;
    this.seen = newest;
    this.#hold = hold;
  }

  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  keep(recorded: Recorded): void {
    const {position, stream} = recorded;
    const text = writeFrame(recorded);
    this.#frames.push({position, stream, text});
    this.#length += text.length;
    this.seen = position;
    if (this.#length > 2 * mostRecent) this.#forget();
    this.#hold.set(this.#length);
  }

  textAfter(after: Position, prefix: string): Page {
    let text = '';
    let last = after;
    for (let index = this.#indexAfter(after); index < this.#frames.length && text.length < mostAtOnce; index++) {
      const frame = this.#frames[index];
      if (!frame) break;
      if (frame.stream.startsWith(prefix)) text += frame.text;
      last = frame.position;
    }
    return {text, after: last, isLast: last === this.seen};
  }

  /** @throws what the journal threw */
  check(): void {
    if (this.#failure) throw this.#failure.error;
  }

  fail(error: unknown): void {
    this.#failure = {error};
    this.end();
  }

  end(): void {
    this.#ending.abort();
    this.#frames = [];
    this.#hold.release();
  }

  /** The first frame after a position, by halves: positions may have gaps. */
  #indexAfter(after: Position): number {
    let low = 0;
    let high = this.#frames.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#frames[middle]?.position ?? 0) > after) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #forget(): void {
    let gone = 0;
    while (this.#length > mostRecent) {
      const {text, position} = this.#frames[gone++] ?? {text: '', position: this.seen};
      this.#length -= text.length;
      this.floor = position;
    }
    this.#frames = this.#frames.slice(gone);
  }
}

/** @see https://html.spec.whatwg.org/multipage/server-sent-events.html */
function writeFrame(recorded: Recorded): string {
  return `id: ${recorded.position}\nevent: ${recorded.fact.type}\ndata: ${JSON.stringify(plainFact(recorded))}\n\n`;
}
