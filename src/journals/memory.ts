import type {Clock} from '../clock.ts';
import type {Fact} from '../facts.ts';
import {type AppendOptions, type Journal, type Position, type Receipt, type Recorded, RevisionConflict} from '../journal.ts';

/** The newest facts that are kept; older ones are forgotten. */
const capacity = 20_000;

/** A journal that lives and dies with the process: every receipt says `buffered`. */
export class MemoryJournal implements Journal {
  readonly #clock: Clock;
  readonly #capacity: number;
  readonly #revisions = new Map<string, Position>();
  #facts: Recorded[] = [];
  #position: Position = 0;
  #wake = Promise.withResolvers<void>();
  #followers = 0;
  #isClosed = false;

  constructor(clock: Clock, {keep = capacity} = {}) {
    this.#clock = clock;
    this.#capacity = keep;
  }

  async append(stream: string, facts: readonly [Fact, ...Fact[]], {expect}: AppendOptions = {}): Promise<Receipt> {
    const actual = this.#revisions.get(stream) ?? 0;
    if (expect !== undefined && expect !== actual) throw new RevisionConflict(stream, expect, actual);
    const at = this.#clock.now();
    for (const fact of facts) this.#facts.push({stream, position: ++this.#position, at, fact});
    this.#revisions.set(stream, this.#position);
    if (this.#facts.length > 2 * this.#capacity) this.#forget();
    if (this.#followers > 0) {
      this.#wake.resolve();
      this.#wake = Promise.withResolvers();
    }
    return {position: this.#position, durability: 'buffered'};
  }

  async last(stream: string): Promise<Recorded | undefined> {
    const position = this.#revisions.get(stream);
    return position === undefined ? undefined : this.#facts[this.#indexAfter(position - 1)];
  }

  async *read(stream: string): AsyncIterable<Recorded> {
    for (const recorded of [...this.#facts]) if (recorded.stream === stream) yield recorded;
  }

  async *scan(prefix: string): AsyncIterable<Recorded> {
    for (const recorded of [...this.#facts]) if (recorded.stream.startsWith(prefix)) yield recorded;
  }

  async *follow({after, signal}: {after: Position; signal: AbortSignal}): AsyncIterable<Recorded> {
    const stopped = new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), {once: true}));
    this.#followers++;
    try {
      for (let seen = after; !signal.aborted && !this.#isClosed; ) {
        const next = this.#facts[this.#indexAfter(seen)];
        if (next) {
          yield next;
          seen = next.position;
        } else {
          await Promise.race([this.#wake.promise, stopped]);
        }
      }
    } finally {
      this.#followers--;
    }
  }

  /** Whoever follows comes to an end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#wake.resolve();
  }

  #indexAfter(position: Position): number {
    return Math.max(0, position + 1 - (this.#facts[0]?.position ?? 1));
  }

  #forget(): void {
    const forgotten = this.#facts.splice(0, this.#facts.length - this.#capacity);
    for (const {stream, position} of forgotten) {
      if (this.#revisions.get(stream) === position) this.#revisions.delete(stream);
    }
  }
}
