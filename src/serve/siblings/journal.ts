import type {Clock} from '../../clock.ts';
import type {Fact} from '../../facts.ts';
import type {AppendOptions, Journal, Payload, Position, Receipt, Recorded} from '../../journal.ts';
import type {Channel} from './wire.ts';
import type {Records, ToLeader, ToSibling, WrittenRecord} from './words.ts';

/** What the leader has not taken yet; past it facts are dropped and counted, as in front of its own thread. */
const mostBytes = 16 * 2 ** 20;
/** What is on its way at a time, or one record that is larger: signs of life, and a stop, must not wait behind all the rest. */
const mostSentBytes = 2 ** 20;
/** How long facts wait for more. A sibling that is killed loses those; the leader holds what it got for longer before it is written. */
const lingerMs = 10;
/** Longest wait for an append; then the caller is told that it failed. */
const appendMs = 10_000;
/** How long the end of this process waits until the leader has the last facts. */
const lastFactsMs = 2000;
/** About what a fact takes on its way, beside its payloads. */
const factBytes = 256;

export interface LeadersHouse {
  readonly clock: Pick<Clock, 'after'>;
  /** Told of facts that were dropped. */
  shed(facts: number): void;
}

/** The leader's journal, as its siblings have it: what they write goes there, and reading is the leader's. */
export class LeadersJournal implements Journal {
  readonly #channel: Pick<Channel<ToLeader, ToSibling>, 'ask'>;
  readonly #house: LeadersHouse;
  readonly #waiting: Waiting[] = [];
  /** With those that are on their way. */
  #bytes = 0;
  /** Resolves when nothing waits; undefined when nothing is on its way. */
  #sending: Promise<void> | undefined;

  constructor(channel: Pick<Channel<ToLeader, ToSibling>, 'ask'>, house: LeadersHouse) {
    this.#channel = channel;
    this.#house = house;
  }

  append(stream: string, facts: readonly [Fact, ...Fact[]], options?: AppendOptions): Promise<Receipt> {
    return this.#channel.ask('append', {stream, facts, options}, appendMs);
  }

  /** One message for the facts of a while: each costs more than the facts in it. */
  record(stream: string, facts: readonly [Fact, ...Fact[]], payloads?: readonly Payload[]): void {
    if (this.#bytes >= mostBytes) {
      this.#house.shed(facts.length);
      return;
    }
    const bytes = (payloads ?? []).reduce((sum, payload) => sum + payload.bytes.length, facts.length * factBytes);
    this.#bytes += bytes;
    this.#waiting.push({record: [stream, facts], payloads, bytes});
    if (this.#waiting.length === 1 && !this.#sending) this.#house.clock.after(lingerMs, () => this.#send());
  }

  last(): Promise<Recorded | undefined> {
    return Promise.reject(notHere());
  }

  // biome-ignore lint/correctness/useYield: it only refuses
  async *read(): AsyncIterable<Recorded> {
    throw notHere();
  }

  // biome-ignore lint/correctness/useYield: it only refuses
  async *scan(): AsyncIterable<Recorded> {
    throw notHere();
  }

  // biome-ignore lint/correctness/useYield: it only refuses
  async *follow(): AsyncIterable<Recorded> {
    throw notHere();
  }

  payload(): Promise<Uint8Array | undefined> {
    return Promise.reject(notHere());
  }

  before(): Promise<Position> {
    return Promise.reject(notHere());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // All at once: the last account comes behind them, and with it the leader has them, however late that is.
    const sent = [this.#sending];
    while (this.#waiting.length > 0) sent.push(this.#sendNext());
    const {promise, resolve} = Promise.withResolvers<void>();
    const stopTimer = this.#house.clock.after(lastFactsMs, resolve);
    await Promise.race([Promise.all(sent), promise]);
    stopTimer();
  }

  #send(): void {
    if (this.#waiting.length > 0) this.#sending ??= this.#sendAll();
  }

  /** Resolves when the leader has all; when it is gone, so are they. */
  async #sendAll(): Promise<void> {
    while (this.#waiting.length > 0) await this.#sendNext();
    this.#sending = undefined; // at once: what comes next begins anew
  }

  async #sendNext(): Promise<void> {
    const {records, bytes} = this.#next();
    await this.#channel.ask('record', records).catch(() => {});
    this.#bytes -= bytes;
  }

  #next(): {records: Records; bytes: number} {
    let bytes = 0;
    let count = 0;
    for (const each of this.#waiting) {
      if (count > 0 && bytes + each.bytes > mostSentBytes) break;
      bytes += each.bytes;
      count++;
    }
    const next = this.#waiting.splice(0, count);
    const payloads = new Map<number, readonly Payload[]>();
    for (const [index, each] of next.entries()) if (each.payloads) payloads.set(index, each.payloads);
    return {records: {text: JSON.stringify(next.map(({record}) => record)), payloads}, bytes};
  }
}

interface Waiting {
  readonly record: WrittenRecord;
  readonly payloads: readonly Payload[] | undefined;
  readonly bytes: number;
}

const notHere = () => new TypeError('Expected the leader to read the journal, not a sibling');
