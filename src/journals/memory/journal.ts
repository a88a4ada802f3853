import type {Clock} from '../../clock.ts';
import {Fault} from '../../errors.ts';
import type {Fact} from '../../facts.ts';
import {
  type AppendOptions,
  type FollowOptions,
  type Payload,
  type Position,
  type Receipt,
  type Recorded,
  RevisionConflict,
  type StreamAppend,
} from '../../journal.ts';
import type {WorkingJournal, WorkStore} from '../../work.ts';
import {Followers} from '../followers.ts';
import {checkTogether} from '../together.ts';
import {MemoryWork} from './work.ts';

/** How many facts are kept: the newest ones. */
const capacity = 20_000;
/** How many bytes of payloads are kept: the newest ones. */
export const payloadCapacity = 2 ** 25;
/** What a fact takes, with the objects around it. */
const factBytes = 512;

/** A journal that lives and dies with the process: every receipt says `buffered`. */
export class MemoryJournal implements WorkingJournal {
  readonly work: WorkStore;
  readonly #clock: Clock;
  readonly #capacity: number;
  readonly #payloadCapacity: number;
  readonly #revisions = new Map<string, Position>();
  readonly #payloads = new Map<string, Uint8Array>();
  #payloadBytes = 0;
  #facts: Recorded[] = [];
  #position: Position = 0;
  readonly #followers = new Followers();
  #isClosed = false;

  /** @param memoryBytes how much it may hold; twice `keep` is there before facts are removed */
  constructor(clock: Clock, {keep = capacity, memoryBytes}: {keep?: number; memoryBytes?: number | undefined} = {}) {
    this.#clock = clock;
    this.work = new MemoryWork({
      append: (stream, facts, options) => this.#append(stream, facts, options),
      record: (stream, facts, payloads) => this.#record(stream, facts, payloads),
      now: () => clock.now(),
    });
    this.#capacity = memoryBytes === undefined ? keep : Math.min(keep, Math.floor(memoryBytes / 2 / factBytes));
    this.#payloadCapacity = Math.min(payloadCapacity, memoryBytes ?? payloadCapacity);
  }

  async append(stream: string, facts: readonly [Fact, ...Fact[]], options?: AppendOptions): Promise<Receipt> {
    return this.#append(stream, facts, options);
  }

  async appendAll(appends: readonly [StreamAppend, ...StreamAppend[]]): Promise<Receipt> {
    checkTogether(appends);
    for (const {stream, expect} of appends) this.#check(stream, expect);
    for (const {stream, facts, payloads} of appends) this.#record(stream, facts, payloads);
    return {position: this.#position, durability: 'buffered'};
  }

  #append(stream: string, facts: readonly [Fact, ...Fact[]], {expect, payloads}: AppendOptions = {}): Receipt {
    this.#check(stream, expect);
    this.#record(stream, facts, payloads);
    return {position: this.#position, durability: 'buffered'};
  }

  #check(stream: string, expect: Position | undefined): void {
    if (this.#isClosed) throw new Fault('JOURNAL_FAILED', {message: 'The journal is closed'});
    const actual = this.#revisions.get(stream) ?? 0;
    if (expect !== undefined && expect !== actual) throw new RevisionConflict(stream, expect, actual);
  }

  record(stream: string, facts: readonly [Fact, ...Fact[]], payloads?: readonly Payload[]): void {
    this.#record(stream, facts, payloads);
  }

  #record(stream: string, facts: readonly Fact[], payloads: readonly Payload[] = []): void {
    if (this.#isClosed) return;
    const at = this.#clock.now();
    for (const fact of facts) this.#facts.push({stream, position: ++this.#position, at, fact});
    for (const payload of payloads) this.#keep(payload);
    if (facts.length > 0) this.#revisions.set(stream, this.#position);
    if (this.#facts.length > 2 * this.#capacity) this.#forget();
    this.#followers.wake();
  }

  async payload(name: string): Promise<Uint8Array | undefined> {
    return this.#payloads.get(name);
  }

  async last(stream: string): Promise<Recorded | undefined> {
    const position = this.#revisions.get(stream);
    return position === undefined ? undefined : this.#facts[this.#indexAfter(position - 1)];
  }

  async *read(stream: string): AsyncIterable<Recorded> {
    for (const recorded of [...this.#facts]) if (recorded.stream === stream) yield recorded;
  }

  async *scan(prefix: string, {after = 0}: {after?: Position} = {}): AsyncIterable<Recorded> {
    for (const recorded of this.#facts.slice(this.#indexAfter(after))) if (recorded.stream.startsWith(prefix)) yield recorded;
  }

  async before(at: number): Promise<Position> {
    const first = this.#facts.find(recorded => recorded.at >= at);
    return first ? first.position - 1 : this.#position;
  }

  async *follow({after, signal, prefix = ''}: FollowOptions): AsyncIterable<Recorded> {
    for (let seen = after; !signal.aborted && !this.#isClosed; ) {
      const next = this.#facts[this.#indexAfter(seen)];
      if (next) {
        if (next.stream.startsWith(prefix)) yield next;
        seen = next.position;
      } else await this.#followers.next(this.#followers.times, signal);
    }
  }

  /** Ends every follower. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#followers.wake();
  }

  #indexAfter(position: Position): number {
    return Math.max(0, position + 1 - (this.#facts[0]?.position ?? 1));
  }

  #keep({name, bytes}: Payload): void {
    this.#payloadBytes += bytes.length - (this.#payloads.get(name)?.length ?? 0);
    this.#payloads.delete(name); // so that it is the newest
    this.#payloads.set(name, Uint8Array.from(bytes));
    for (const [oldest, {length}] of this.#payloads) {
      if (this.#payloadBytes <= this.#payloadCapacity) break;
      this.#payloads.delete(oldest);
      this.#payloadBytes -= length;
    }
  }

  #forget(): void {
    const forgotten = this.#facts.splice(0, this.#facts.length - this.#capacity);
    for (const {stream, position} of forgotten) {
      if (this.#revisions.get(stream) === position) this.#revisions.delete(stream);
    }
  }
}
