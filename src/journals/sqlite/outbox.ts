import {atTurnEnd, type Clock} from '../../clock.ts';
import {Fault} from '../../errors.ts';
import {type Fact, isLast} from '../../facts.ts';
import {type AppendOptions, type Payload, type Receipt, RevisionConflict} from '../../journal.ts';
import type {JournalHouse} from '../engine.ts';
import type {Append, Batch, FromWriter, Outcome} from './messages.ts';
import {writeLine} from './pack.ts';
import {failed} from './thread.ts';
import {type Gathered, Turn} from './turn.ts';

/** Facts that nobody waits for are sent after this time at the latest: a message costs as much as several facts. */
const lingerMs = 50;
/** They are sent earlier when they are this part of what may wait: by default a MiB. A commit costs a millisecond, so there should be few. */
const lingerPart = 1 / 32;
/** When more characters than this are not written yet, facts are refused. */
const busyCharacters = 2 ** 25;

type Sent = Omit<Gathered, 'commands'> & {readonly sentAt: number};

/** Gathers facts into batches for the writer's thread, and settles the receipts when it answers. */
export class Outbox {
  readonly #clock: Clock;
  readonly #meter: JournalHouse['meter'];
  readonly #post: (batch: Batch) => void;
  readonly #lingerCharacters: number;
  readonly #busyCharacters: number;
  /** When more than this are not written yet, facts that nobody waits for are dropped. */
  readonly #shedCharacters: number;
  /** Payloads that nobody waits for are dropped earlier, so that on a slow disk facts are kept for longer. */
  readonly #shedPayloadCharacters: number;
  readonly #turn = new Turn();
  readonly #sent = new Map<number, Sent>();
  #nextBatch = 1;
  /** Characters of the batches that were sent and not answered. */
  #outstanding = 0;
  #isFlushAtTurnEnd = false;
  #stopLinger: (() => void) | undefined;

  constructor({clock, meter, memoryBytes = busyCharacters}: Omit<JournalHouse, 'log'>, post: (batch: Batch) => void) {
    this.#lingerCharacters = memoryBytes * lingerPart;
    this.#busyCharacters = memoryBytes;
    this.#shedCharacters = memoryBytes / 2;
    this.#shedPayloadCharacters = memoryBytes / 4;
    this.#clock = clock;
    this.#meter = meter;
    this.#post = post;
  }

  append(stream: string, facts: readonly [Fact, ...Fact[]], {expect, payloads}: AppendOptions): Promise<Receipt> {
    if (this.#characters > this.#busyCharacters) return Promise.reject(new Fault('JOURNAL_BUSY', {retryAfterS: 1}));
    return new Promise((resolve, reject) => {
      const begins = !facts.some(({type}) => isLast(type));
      this.#turn.append({stream, ...this.#written(stream, facts), expect, begins, payloads}, {stream, expect, resolve, reject});
      this.#flushAtTurnEnd();
    });
  }

  /** @param isFollowed a follower waits for the facts, so they do not linger */
  record(stream: string, facts: readonly [Fact, ...Fact[]], payloads: readonly Payload[], isFollowed: boolean): void {
    const waiting = this.#characters;
    if (waiting > this.#shedCharacters) {
      this.shed(facts.length, payloads.length);
      return;
    }
    const kept = waiting <= this.#shedPayloadCharacters ? this.#affordable(payloads) : [];
    if (kept.length < payloads.length) this.shed(0, payloads.length - kept.length);
    const {text, count} = this.#written(stream, facts);
    // There are many invocations. A row in the list of streams would cost more than the fact, which the time in the id finds, too.
    if (stream.startsWith('invocation.')) this.#turn.record(text, count, kept);
    else this.#turn.append({stream, text, count, payloads: kept});
    if (this.#turn.characters > this.#lingerCharacters) this.flush();
    else if (isFollowed) this.#flushAtTurnEnd();
    else this.#stopLinger ??= this.#clock.after(lingerMs, () => this.flush());
  }

  /** Without those that alone are more than may wait: where memory is scarce, a body of 6 MiB. */
  #affordable(payloads: readonly Payload[]): readonly Payload[] {
    const fits = ({bytes}: Payload) => bytes.length <= this.#busyCharacters;
    return payloads.every(fits) ? payloads : payloads.filter(fits);
  }

  /** Counts facts and payloads that are not kept. */
  shed(facts: number, payloads: number): void {
    if (facts > 0) this.#meter.shed(facts);
    if (payloads > 0) this.#meter.payloadsShed(payloads);
  }

  /** Sends what was gathered: one message, however many facts. */
  flush(): void {
    this.#isFlushAtTurnEnd = false;
    this.#stopLinger?.();
    this.#stopLinger = undefined;
    const gathered = this.#turn.take();
    if (!gathered) return;
    const {commands, ...sent} = gathered;
    const id = this.#nextBatch++;
    this.#sent.set(id, {...sent, sentAt: this.#clock.monotonic()});
    this.#outstanding += sent.characters;
    this.#post({type: 'batch', id, now: this.#clock.now(), commands});
  }

  committed({batches}: Extract<FromWriter, {type: 'committed'}>): void {
    for (const {id, outcomes, failure} of batches) this.#settle(id, outcomes, failure);
  }

  /** Called when no answer will come any more. */
  fail(failure: string): void {
    for (const id of [...this.#sent.keys()]) this.#settle(id, [], failure);
  }

  /** Of everything that is not written yet. */
  get #characters(): number {
    return this.#outstanding + this.#turn.characters;
  }

  #written(stream: string, facts: readonly Fact[]): Pick<Append, 'text' | 'count'> {
    const at = this.#clock.now();
    let text = '';
    for (const fact of facts) text += writeLine(stream, at, fact);
    return {text, count: facts.length};
  }

  #flushAtTurnEnd(): void {
    if (this.#isFlushAtTurnEnd) return;
    this.#isFlushAtTurnEnd = true;
    atTurnEnd(() => this.flush());
  }

  #settle(id: number, outcomes: readonly Outcome[], failure?: string): void {
    const sent = this.#sent.get(id);
    if (!sent) return;
    this.#sent.delete(id);
    this.#outstanding -= sent.characters;
    if (failure === undefined) this.#meter.appended((this.#clock.monotonic() - sent.sentAt) / 1000);
    else this.shed(sent.facts, sent.payloads);
    for (const [index, waiter] of sent.waiters.entries()) {
      if (!waiter) continue;
      const outcome = outcomes[index];
      if (!outcome) waiter.reject(failed(failure ?? 'the writer gave no answer'));
      else if ('conflict' in outcome) waiter.reject(new RevisionConflict(waiter.stream, waiter.expect ?? 0, outcome.conflict));
      else if ('refused' in outcome) waiter.reject(failed(outcome.refused));
      else waiter.resolve({position: outcome.position, durability: 'fsync'});
    }
  }
}
