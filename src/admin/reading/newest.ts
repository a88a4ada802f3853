import type {Position, Recorded} from '../../journal.ts';
import type {Hold} from '../../limits/budget.ts';
import {plainFact} from '../../projections/plain.ts';
import type {Page} from './pages.ts';

/** Characters of the newest facts that are kept for the streams. A stream that falls behind them reads pages. */
const mostRecent = 2 ** 20;
/** Characters that are handed on at a time. */
export const mostAtOnce = 2 ** 16;

interface Frame {
  readonly recorded: Recorded;
  readonly text: string;
}

/** The newest facts, kept while a stream is open. */
export class Newest {
  /** Every fact after this position, up to `seen`, is kept here. */
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
    const {position} = recorded;
    const text = writeFrame(recorded);
    this.#frames.push({recorded, text});
    this.#length += text.length;
    this.seen = position;
    if (this.#length > 2 * mostRecent) this.#forget();
    this.#hold.set(2 * this.#length); // the fact and its text
  }

  textAfter(after: Position, prefix: string): Page {
    let text = '';
    let last = after;
    for (let index = this.#indexAfter(after); index < this.#frames.length && text.length < mostAtOnce; index++) {
      const frame = this.#frames[index];
      if (!frame) break;
      if (frame.recorded.stream.startsWith(prefix)) text += frame.text;
      last = frame.recorded.position;
    }
    return {text, after: last, isLast: last === this.seen};
  }

  /** The facts after a position, as far as they are kept. */
  factsAfter(after: Position, prefix: string): Recorded[] {
    const facts: Recorded[] = [];
    for (let index = this.#indexAfter(after); index < this.#frames.length; index++) {
      const recorded = this.#frames[index]?.recorded;
      if (recorded?.stream.startsWith(prefix)) facts.push(recorded);
    }
    return facts;
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

  /** The first frame after a position, found by halving, as positions may have gaps. */
  #indexAfter(after: Position): number {
    let low = 0;
    let high = this.#frames.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#frames[middle]?.recorded.position ?? 0) > after) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #forget(): void {
    let gone = 0;
    while (this.#length > mostRecent) {
      const frame = this.#frames[gone++];
      this.#length -= frame?.text.length ?? 0;
      this.floor = frame?.recorded.position ?? this.seen;
    }
    this.#frames = this.#frames.slice(gone);
  }
}

/** @see https://html.spec.whatwg.org/multipage/server-sent-events.html */
export function writeFrame(recorded: Recorded): string {
  return `id: ${recorded.position}\nevent: ${recorded.fact.type}\ndata: ${JSON.stringify(plainFact(recorded))}\n\n`;
}
