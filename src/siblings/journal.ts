import type {Clock} from '../clock.ts';
import type {Fact} from '../facts.ts';
import type {AppendOptions, Journal, Payload, Position, Receipt, Recorded} from '../journal.ts';
import type {Channel} from './channel.ts';
import type {Record, ToLeader, ToSibling} from './words.ts';

/** The leader's journal, as its siblings have it: what they write goes there, and reading is the leader's. */
export class LeadersJournal implements Journal {
  readonly #channel: Channel<ToLeader, ToSibling>;
  readonly #clock: Pick<Clock, 'turn'>;
  #waiting: Record[] = [];

  constructor(channel: Channel<ToLeader, ToSibling>, clock: Pick<Clock, 'turn'>) {
    this.#channel = channel;
    this.#clock = clock;
  }

  append(stream: string, facts: readonly [Fact, ...Fact[]], options?: AppendOptions): Promise<Receipt> {
    return this.#channel.ask('append', {stream, facts, options});
  }

  /** One message a turn: each costs more than the facts in it. */
  record(stream: string, facts: readonly [Fact, ...Fact[]], payloads?: readonly Payload[]): void {
    this.#waiting.push([stream, facts, payloads]);
    if (this.#waiting.length === 1) void this.#clock.turn().then(() => this.#send());
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
    this.#send();
  }

  #send(): void {
    if (this.#waiting.length > 0) this.#channel.tell('record', this.#waiting);
    this.#waiting = [];
  }
}

const notHere = () => new TypeError('Expected the leader to read the journal, not a sibling');
