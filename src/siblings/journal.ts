import type {Clock} from '../clock.ts';
import type {Fact} from '../facts.ts';
import type {AppendOptions, Journal, Payload, Position, Receipt, Recorded} from '../journal.ts';
import type {Channel} from './channel.ts';
import type {ToLeader, ToSibling, WrittenRecord} from './words.ts';

/** What the leader has not taken yet; past it facts are dropped and counted, as in front of its own thread. */
const mostBytes = 16 * 2 ** 20;
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
  #waiting: WrittenRecord[] = [];
  #payloads = new Map<number, readonly Payload[]>();
  #waitingBytes = 0;
  /** With those that are on their way. */
  #bytes = 0;

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
    this.#waitingBytes += bytes;
    if (payloads) this.#payloads.set(this.#waiting.length, payloads);
    this.#waiting.push([stream, facts]);
    if (this.#waiting.length === 1) this.#house.clock.after(lingerMs, () => void this.#send());
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
    await this.#send(lastFactsMs);
  }

  /** Resolves when the leader has them; when it is gone, so are they. Without a limit their bytes bound what waits for it. */
  async #send(limitMs?: number): Promise<void> {
    if (this.#waiting.length === 0) return;
    const [records, bytes] = [{text: JSON.stringify(this.#waiting), payloads: this.#payloads}, this.#waitingBytes];
    this.#waiting = [];
    this.#payloads = new Map();
    this.#waitingBytes = 0;
    await this.#channel.ask('record', records, limitMs).catch(() => {});
    this.#bytes -= bytes;
  }
}

const notHere = () => new TypeError('Expected the leader to read the journal, not a sibling');
