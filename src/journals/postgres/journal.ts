import type {Fact} from '../../facts.ts';
import type {AppendOptions, Cores, FollowOptions, Payload, Position, Receipt, Recorded, StreamAppend} from '../../journal.ts';
import type {WorkingJournal} from '../../work.ts';
import {type Capabilities, type JournalHealth, type JournalHouse, JournalRefused, type Retention} from '../engine.ts';
import {Followers} from '../followers.ts';
import {checkTogether} from '../together.ts';
import {failed} from './answers.ts';
import {Connection, isAway} from './connection.ts';
import {type PostgresPlace, parsePlace} from './place.ts';
import {Presence} from './presence.ts';
import {Queue} from './queue.ts';
import {type Ask, Reader} from './reader.ts';
import {Readers} from './readers.ts';
import {prepareSchema} from './schema.ts';
import {Sweeper} from './sweeper.ts';
import {PostgresWork} from './work.ts';
import {Writer} from './writer.ts';

/** Longest wait of a stop for the database. */
const closeMs = 4000;

/** A journal in PostgreSQL, which several cores may write. */
export class PostgresJournal implements WorkingJournal {
  readonly work: PostgresWork;
  readonly #house: JournalHouse;
  readonly #queue: Queue;
  readonly #writer: Writer;
  readonly #readers: Readers;
  readonly #reader: Reader;
  readonly #presence: Presence;
  readonly #sweeper: Sweeper;
  readonly #followers = new Followers();
  /** Questions of followers, which a stop leaves the time to be answered. */
  readonly #asked = new Set<Promise<unknown>>();
  #isClosed = false;

  /** @throws JournalRefused */
  static async open(text: string, retention: Retention, house: JournalHouse): Promise<PostgresJournal> {
    const place = parsePlace(text);
    if (!place) throw new TypeError(`Expected a place of PostgreSQL, got ${text}`);
    const journal = new PostgresJournal(place, retention, house);
    try {
      await using connection = await Connection.open(place.url, 'start', house);
      await prepareSchema(connection, place.schema);
      await journal.#writer.open();
      await journal.#presence.open();
      journal.#sweeper.start();
      return journal;
    } catch (error) {
      await journal[Symbol.asyncDispose]();
      throw new JournalRefused(isAway(error) ? 'away' : 'unwritable', (error as Error).message);
    }
  }

  private constructor(place: PostgresPlace, retention: Retention, house: JournalHouse) {
    const {clock, log, meter} = house;
    this.#house = house;
    this.#queue = new Queue(house, () => this.#writer.pump());
    this.#writer = new Writer(place, {
      clock,
      log,
      queue: this.#queue,
      holder: () => this.#presence.holder,
      kept: ms => {
        meter.appended(ms / 1000);
        this.#followers.wake();
      },
    });
    this.#readers = new Readers(place.url, clock);
    // What was handed over before can be read.
    const ask: Ask = (statement, values) => this.#queue.settled().then(() => this.#readers.ask(statement, values));
    this.#reader = new Reader(place.schema, ask);
    this.#presence = new Presence(place, {
      clock,
      log,
      core: house.core,
      ask: this.#readers.ask,
      heard: (what, id) => (what === 'facts' ? this.#followers.wake() : this.work.heard(what, id)),
      lost: () => this.work.lose(),
    });
    this.#sweeper = new Sweeper(retention, {
      clock,
      log,
      schema: place.schema,
      ask: this.#readers.ask,
      shredded: (payloads, early, until) => {
        this.#queue.shed(0, early);
        this.record('journal', [{type: 'payload.shredded', data: {payloads, until}}]);
      },
    });
    this.work = new PostgresWork({
      schema: place.schema,
      clock,
      standing: () => this.#presence.standing,
      send: (appends, work) => (this.#isClosed ? Promise.reject(failed('it is closed')) : this.#queue.send(appends, work)),
      ask,
    });
  }

  /** False while the database is away. */
  get isDurable(): boolean {
    return this.#writer.isWriting;
  }

  health = (): JournalHealth => ({isConnected: this.#presence.isConnected, sweptAgoMs: this.#sweeper.sweptAgoMs});

  /** `prove` has seen that commits are synced. One group is one message, which may have a gigabyte. */
  get can(): Capabilities {
    return {durability: this.#writer.durability, synced: 'seen', payloadBytes: 2 ** 28};
  }

  get cores(): Cores {
    return this.#presence;
  }

  append(stream: string, facts: readonly [Fact, ...Fact[]], options: AppendOptions = {}): Promise<Receipt> {
    return this.#isClosed ? Promise.reject(failed('it is closed')) : this.#queue.appendAll([{stream, facts, ...options}]);
  }

  async appendAll(appends: readonly [StreamAppend, ...StreamAppend[]]): Promise<Receipt> {
    checkTogether(appends);
    if (this.#isClosed) throw failed('it is closed');
    return this.#queue.appendAll(appends);
  }

  record(stream: string, facts: readonly [Fact, ...Fact[]], payloads: readonly Payload[] = []): void {
    if (this.#isClosed) this.#queue.shed(facts.length, payloads.length);
    else this.#queue.record(stream, facts, payloads, this.#followers.count > 0);
  }

  last(stream: string): Promise<Recorded | undefined> {
    return this.#reader.last(stream);
  }

  payload(name: string): Promise<Uint8Array | undefined> {
    return this.#reader.payload(name);
  }

  before(at: number): Promise<Position> {
    return this.#reader.before(at);
  }

  read(stream: string): AsyncIterable<Recorded> {
    return this.#reader.pages({stream}, 0);
  }

  scan(prefix: string, {after = 0}: {after?: Position} = {}): AsyncIterable<Recorded> {
    return this.#reader.pages({prefix}, after);
  }

  async *follow({after, signal, prefix = ''}: FollowOptions): AsyncIterable<Recorded> {
    this.#followers.count++;
    const leave = this.#presence.follow();
    try {
      for (let seen = after; !signal.aborted && !this.#isClosed; ) {
        const {times} = this.#followers; // read before the question, so that facts that come meanwhile are not missed
        const asked = this.#reader.page({of: {prefix}, after: seen});
        this.#asked.add(asked);
        const {facts, next, until} = await asked.finally(() => this.#asked.delete(asked));
        for (const recorded of facts) {
          yield recorded;
          if (signal.aborted) return;
        }
        seen = next ?? Math.max(seen, until);
        if (facts.length === 0 && next === undefined) await this.#followers.next(times, signal);
      }
    } finally {
      leave();
      this.#followers.count--;
    }
  }

  /** Removes everything that may go now; it is done by itself once a minute. */
  sweep(): Promise<void> {
    return this.#sweeper.sweep();
  }

  /** Writes what was handed over before, gives back what is still claimed, and ends every follower. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#queue.flush();
    this.#isClosed = true;
    this.#followers.wake();
    this.work.close();
    const {clock, log} = this.#house;
    const [late, ended] = [new AbortController(), new AbortController()];
    const ending = this.#end(late.signal).finally(() => ended.abort());
    if (!(await Promise.race([ending, clock.sleep(closeMs, ended.signal)]))) return;
    log.error({}, 'The journal did not close in time: the last facts may be lost');
    late.abort();
  }

  async #end(late: AbortSignal): Promise<void> {
    await this.#sweeper[Symbol.asyncDispose]();
    await this.#writer.close(late);
    await Promise.allSettled(this.#asked);
    await this.#presence.close();
    await this.#readers[Symbol.asyncDispose]();
  }
}
