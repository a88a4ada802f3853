import {randomUUID} from 'node:crypto';
import type {Fact} from '../../facts.ts';
import type {
  AppendOptions,
  Durability,
  FollowOptions,
  LastOptions,
  Payload,
  Position,
  Receipt,
  Recorded,
  StreamAppend,
} from '../../journal.ts';
import type {WorkingJournal} from '../../work.ts';
import type {JournalHouse, Retention} from '../engine.ts';
import {checkTogether} from '../together.ts';
import {prepareAppend} from './appending.ts';
import type {Commits} from './commit.ts';
import {Copies, type CopiesHouse} from './copies.ts';
import {Followed} from './followed.ts';
import {InOrder} from './in-order.ts';
import {failed, type Patience} from './insist.ts';
import {Keeping} from './keeping.ts';
import {Leases} from './leases.ts';
import {Majority} from './majority.ts';
import {lastOf, mostFacts} from './message.ts';
import {Outbox} from './outbox.ts';
import {Own} from './own.ts';
import {readPayload} from './payloads.ts';
import {Reading} from './reading.ts';
import {Streams} from './streams.ts';
import {Sweeper} from './sweep/sweeper.ts';
import {NatsWork} from './work/store.ts';
import {Writing} from './writing.ts';

/** Longest wait of a stop for the servers. */
const closeMs = 5000;

export interface NatsJournalOptions extends Pick<CopiesHouse, 'transport' | 'subjects' | 'heard'> {
  readonly retention: Retention;
  /** What a receipt promises now. */
  readonly durability: Durability;
}

/** The journal that many cores share: one stream of JetStream, which several servers keep. */
export class NatsJournal implements WorkingJournal {
  readonly cores: Leases;
  readonly work: NatsWork;
  readonly sweeper: Sweeper;
  readonly majority: Majority;
  readonly #house: JournalHouse;
  readonly #options: NatsJournalOptions;
  readonly #closing = new AbortController();
  readonly #own = new Own();
  readonly commits: Commits;
  readonly #streams: Streams;
  readonly #outbox: Outbox;
  readonly #inOrder: InOrder;
  readonly #followed: Followed;
  readonly #keeping: Keeping;
  readonly copies: Copies;
  #isClosed = false;

  constructor(options: NatsJournalOptions, house: JournalHouse) {
    const {transport, subjects, retention} = options;
    const {clock} = house;
    this.#house = house;
    this.#options = options;
    const patience: Patience = {clock, closing: this.#closing.signal};
    this.majority = new Majority({...house, transport, subjects});
    const reading = new Reading(transport, subjects, patience, this.majority);
    const writing = new Writing(transport, patience, this.majority);
    this.#outbox = new Outbox({...house, writing, subjects, own: this.#own, payloadsMs: retention.payloadsMs});
    this.#inOrder = new InOrder(clock);
    this.commits = {reading, writing, patience, named: this.#outbox.named};
    this.#streams = new Streams(reading, subjects, this.#own);
    const flush = () => this.#outbox.flush();
    this.#followed = new Followed({transport, reading, subjects, patience, after: (ms, fire) => clock.after(ms, fire), flush});
    this.cores = new Leases(this.commits, subjects, {...house, noting: writing => this.#keeping.noting(writing)});
    this.copies = new Copies({...options, clock});
    const tryIt = () => reading.lastNow(subjects.barrier(''));
    this.#keeping = new Keeping({...house, transport, tryIt});
    const shredded = (payloads: number, until: number) => this.record('journal', [{type: 'payload.shredded', data: {payloads, until}}]);
    this.sweeper = new Sweeper({...options, house, commits: this.commits, streams: this.#streams, shredded});
    this.work = new NatsWork({
      ...options,
      promise: options,
      commits: this.commits,
      streams: this.#streams,
      cores: this.cores,
      core: house.core ?? randomUUID(),
      now: () => clock.now(),
      after: (ms, fire) => clock.after(ms, fire),
      keep: (bytes, act) => this.#keep(bytes, act),
      wrote: (stream, sequence) => this.#wrote(stream, sequence),
    });
  }

  /** False while the servers are away, or cannot keep anything. */
  get isDurable(): boolean {
    return !this.#isClosed && this.#keeping.isDurable;
  }

  append(stream: string, facts: readonly [Fact, ...Fact[]], options: AppendOptions = {}): Promise<Receipt> {
    if (facts.length > mostFacts)
      return Promise.reject(new RangeError(`${facts.length} facts are appended at once: there may be ${mostFacts}`));
    return this.#append([{stream, facts, ...options}]);
  }

  async appendAll(appends: readonly [StreamAppend, ...StreamAppend[]]): Promise<Receipt> {
    checkTogether(appends);
    return this.#append(appends);
  }

  record(stream: string, facts: readonly [Fact, ...Fact[]], payloads: readonly Payload[] = []): void {
    if (this.#isClosed) this.#outbox.shed(facts.length, payloads.length);
    else this.#outbox.record(stream, facts, payloads, this.#followed.count > 0);
  }

  async last(stream: string, {now = false}: LastOptions = {}): Promise<Recorded | undefined> {
    await this.#settled();
    return this.#streams.last(stream, now);
  }

  async *read(stream: string): AsyncIterable<Recorded> {
    await this.#settled();
    yield* this.#streams.read(stream);
  }

  async *scan(prefix: string, {after = 0}: {after?: Position} = {}): AsyncIterable<Recorded> {
    await this.#settled();
    yield* this.#streams.scan(prefix, after);
  }

  follow(options: FollowOptions): AsyncIterable<Recorded> {
    return this.#followed.follow(options);
  }

  async payload(name: string): Promise<Uint8Array | undefined> {
    await this.#settled();
    return readPayload(this.commits.reading, this.#options.subjects, name);
  }

  async before(at: number): Promise<Position> {
    await this.#settled();
    return this.#streams.before(at);
  }

  /** This core lives from now on, as others see. @throws Fault JOURNAL_FAILED */
  async begin(): Promise<void> {
    await this.cores.begin();
    this.sweeper.begin();
    if (this.#house.core !== undefined) this.copies.begin();
  }

  /** Writes what was handed over before, and ends every follower. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const timeout = Promise.withResolvers<void>();
    const stopTimer = this.#house.clock.after(closeMs, () => {
      this.#house.log.error({}, 'The journal did not close in time: the last facts may be lost');
      timeout.resolve();
    });
    this.#keeping.end();
    this.copies.end();
    this.sweeper.end();
    await Promise.race([Promise.all([this.#outbox.settled(), this.#followed.end(), this.work.end(), this.cores.end()]), timeout.promise]);
    stopTimer();
    this.#closing.abort();
    await this.#options.transport.close();
  }

  async #append(appends: readonly [StreamAppend, ...StreamAppend[]]): Promise<Receipt> {
    if (this.#isClosed) throw failed('it is closed');
    const {subjects} = this.#options;
    const append = prepareAppend({commits: this.commits, streams: this.#streams, subjects}, appends, this.#house.clock.now());
    const sequence = await this.#keep(append.bytes, () => this.#inOrder.run(appends, append.commit));
    for (const [index, {stream}] of appends.entries()) this.#wrote(stream, sequence - appends.length + 1 + index);
    return {position: lastOf(sequence), durability: this.#options.durability};
  }

  /** Writes behind what was recorded before. @throws Fault JOURNAL_BUSY, and whatever it throws */
  async #keep<T>(bytes: number, act: () => Promise<T>): Promise<T> {
    if (this.#isClosed) throw failed('it is closed');
    this.#outbox.flush();
    return this.#outbox.while(bytes, () => this.#keeping.noting(act()));
  }

  #wrote(stream: string, sequence: number): void {
    this.#own.note(stream, sequence);
    this.#followed.wake();
  }

  /** A reader finds what this core has recorded before. */
  async #settled(): Promise<void> {
    if (this.#isClosed) throw failed('it is closed');
    await this.#outbox.recorded();
  }
}
