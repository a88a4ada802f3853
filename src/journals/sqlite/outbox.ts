import {atTurnEnd, type Clock} from '../../clock.ts';
import {Fault} from '../../errors.ts';
import type {Fact} from '../../facts.ts';
import {type AppendOptions, type Payload, type Receipt, RevisionConflict, type StreamAppend} from '../../journal.ts';
import type {JournalHouse} from '../engine.ts';
import {appendOf, appendOfAll, linesOf, receiptOf} from './append.ts';
import {Linger} from './linger.ts';
import type {Append, Batch, FromWriter, Outcome} from './messages.ts';
import {failed} from './thread.ts';
import {type Gathered, Turn} from './turn.ts';
import type {Taken} from './waiter.ts';

/** Facts that nobody waits for are sent after this time at the latest: a message costs as much as several facts. */
const lingerMs = 50;
/** What is appended and lingers is sent after this time: a message that is handled meanwhile is kept from begin to end by one commit. */
const appendLingerMs = 20;
/** They are sent earlier when they are this part of what may wait: by default a MiB. A commit costs a millisecond, so there should be few. */
const lingerPart = 1 / 32;
/** When more characters than this are not written yet, facts are refused. */
const busyCharacters = 2 ** 25;

/** So many that callers wait for are sent before the turn ends, so that the writer works while the core makes the others. */
const mostAwaited = 32;

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
  readonly #linger: Linger;

  constructor({clock, meter, memoryBytes = busyCharacters}: Omit<JournalHouse, 'log'>, post: (batch: Batch) => void) {
    this.#lingerCharacters = memoryBytes * lingerPart;
    this.#busyCharacters = memoryBytes;
    this.#shedCharacters = memoryBytes / 2;
    this.#shedPayloadCharacters = memoryBytes / 4;
    this.#clock = clock;
    this.#meter = meter;
    this.#post = post;
    this.#linger = new Linger(clock, () => this.flush());
  }

  async append(stream: string, facts: readonly [Fact, ...Fact[]], {expect, payloads, lingers}: AppendOptions): Promise<Receipt> {
    const outcome = await this.#hand(appendOf(stream, facts, this.#clock.now(), {expect, payloads}), lingers && expect === undefined);
    if ('conflict' in outcome) throw new RevisionConflict(stream, expect ?? 0, outcome.conflict);
    return receiptOf(outcome);
  }

  /** Appends to several streams: everything is kept or nothing. */
  async appendAll(appends: readonly [StreamAppend, ...StreamAppend[]]): Promise<Receipt> {
    const outcome = await this.#hand(appendOfAll(appends, this.#clock.now()));
    if (!('conflict' in outcome)) return receiptOf(outcome);
    const refused = appends.find(({stream}) => stream === outcome.stream);
    throw new RevisionConflict(outcome.stream, refused?.expect ?? 0, outcome.conflict);
  }

  /**
  Hands a command over and waits until it is kept.

  @throws Fault JOURNAL_BUSY, JOURNAL_FAILED
  */
  send(stream: string, facts: readonly Fact[], more: Pick<Append, 'expect' | 'payloads' | 'work'>): Promise<Taken> {
    return this.#hand(appendOf(stream, facts, this.#clock.now(), more));
  }

  /** False when nothing that was appended to the stream waits to be sent. */
  mayHold(stream: string): boolean {
    return this.#isFlushAtTurnEnd || this.#turn.holds(stream);
  }

  #hand(append: Append, lingers = false): Promise<Taken> {
    if (this.#characters > this.#busyCharacters) return Promise.reject(new Fault('JOURNAL_BUSY', {retryAfterS: 1}));
    return new Promise((resolve, reject) => {
      if (lingers) {
        this.#turn.bundle(append, {resolve, reject});
        this.#flushSoon(appendLingerMs);
        return;
      }
      this.#turn.append(append, {resolve, reject});
      if (this.#turn.waiters >= mostAwaited) this.flush();
      else this.#flushAtTurnEnd();
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
    // There are many invocations. A row in the list of streams would cost more than the fact, which the time in the id finds, too.
    if (stream.startsWith('invocation.')) this.#turn.record(stream, this.#clock.now(), facts, kept);
    else this.#turn.append({stream, text: linesOf(stream, facts, this.#clock.now()), count: facts.length, payloads: kept});
    if (isFollowed) this.#flushAtTurnEnd();
    this.#flushSoon(lingerMs);
  }

  #flushSoon(ms: number): void {
    if (this.#turn.characters > this.#lingerCharacters) this.flush();
    else this.#linger.within(ms);
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
    this.#linger.stop();
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
      else if ('refused' in outcome) waiter.reject(failed(outcome.refused));
      else waiter.resolve(outcome);
    }
  }
}
