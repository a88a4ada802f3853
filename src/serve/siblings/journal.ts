import type {Clock} from '../../clock.ts';
import type {Fact} from '../../facts.ts';
import type {AppendOptions, JournalWriter, Payload, Receipt} from '../../journal.ts';
import type {Channel} from './wire.ts';
import type {Records, ToLeader, ToSibling, WrittenRecord} from './words.ts';

/** Most bytes that wait for the leader. Past it facts are dropped and counted, as the leader does with facts that wait for its writer thread. */
const mostBytes = 16 * 2 ** 20;
/** Most bytes in one message, unless one record is larger: signs of life and a stop must not wait behind everything else. */
const mostSentBytes = 2 ** 20;
/** How long facts wait for more. A sibling that is killed loses these; the leader itself waits longer before it writes. */
const lingerMs = 10;
/** Longest wait for an append; then it fails. */
const appendMs = 10_000;
/** How long a stop waits for the leader to take the last facts. */
const lastFactsMs = 2000;
/** Bytes that a fact takes in a message, roughly, without its payloads. */
const factBytes = 256;

export interface LeadersHouse {
  readonly clock: Pick<Clock, 'after'>;
  /** Called with the number of facts that were dropped. */
  shed(facts: number): void;
  /** Called with the number of payloads that were dropped. */
  payloadsShed(payloads: number): void;
}

/** The leader's journal as a sibling has it: the sibling sends its facts to the leader and reads nothing. */
export class LeadersJournal implements JournalWriter, AsyncDisposable {
  readonly #channel: Pick<Channel<ToLeader, ToSibling>, 'ask'>;
  readonly #house: LeadersHouse;
  readonly #waiting: Waiting[] = [];
  /** Bytes of all facts that the leader has not taken yet, also of those that are on their way. */
  #bytes = 0;
  /** Resolves when nothing waits any more; undefined while nothing is being sent. */
  #sending: Promise<void> | undefined;

  constructor(channel: Pick<Channel<ToLeader, ToSibling>, 'ask'>, house: LeadersHouse) {
    this.#channel = channel;
    this.#house = house;
  }

  append(stream: string, facts: readonly [Fact, ...Fact[]], options?: AppendOptions): Promise<Receipt> {
    return this.#channel.ask('append', {stream, facts, options}, appendMs);
  }

  /** Gathers the facts of a short while into one message, as a message costs more than the facts in it. */
  record(stream: string, facts: readonly [Fact, ...Fact[]], payloads?: readonly Payload[]): void {
    if (this.#bytes >= mostBytes) {
      this.#house.shed(facts.length);
      if (payloads) this.#house.payloadsShed(payloads.length);
      return;
    }
    // As in the leader, payloads are dropped before facts are.
    const kept = this.#bytes <= mostBytes / 2 ? payloads : undefined;
    if (kept !== payloads) this.#house.payloadsShed(payloads?.length ?? 0);
    const bytes = (kept ?? []).reduce((sum, payload) => sum + payload.bytes.length, facts.length * factBytes);
    this.#bytes += bytes;
    this.#waiting.push({record: [stream, facts], payloads: kept, bytes});
    if (this.#waiting.length === 1 && !this.#sending) this.#house.clock.after(lingerMs, () => this.#send());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // All at once: this process sends its last account after them, so when the leader has that, it has these, too.
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

  /** Resolves when the leader has everything. Facts for a leader that is gone are lost. */
  async #sendAll(): Promise<void> {
    while (this.#waiting.length > 0) await this.#sendNext();
    this.#sending = undefined; // without a wait before it: the next fact starts a new round
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
