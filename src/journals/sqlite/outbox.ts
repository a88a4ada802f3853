import {atTurnEnd, type Clock} from '../../clock.ts';
import {Fault} from '../../errors.ts';
import {type Fact, isLast} from '../../facts.ts';
import {type AppendOptions, type Payload, type Receipt, RevisionConflict, type StreamAppend} from '../../journal.ts';
import type {JournalHouse} from '../engine.ts';
import {writeLine} from './line.ts';
import type {Append, Batch, FromWriter, Outcome, Part} from './messages.ts';
import {failed} from './thread.ts';
import {type Gathered, type Taken, Turn} from './turn.ts';

/** Facts that nobody waits for are sent after this time at the latest: a message costs as much as several facts. */
const lingerMs = 50;
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

  async append(stream: string, facts: readonly [Fact, ...Fact[]], {expect, payloads}: AppendOptions): Promise<Receipt> {
    const outcome = await this.send(stream, facts, {expect, payloads});
    if ('conflict' in outcome) throw new RevisionConflict(stream, expect ?? 0, outcome.conflict);
    return receiptOf(outcome);
  }

  /** Appends to several streams: everything is kept or nothing. */
  async appendAll(appends: readonly [StreamAppend, ...StreamAppend[]]): Promise<Receipt> {
    const parts: Part[] = [];
    const payloads: Payload[] = [];
    let text = '';
    let last = 0;
    for (const {stream, facts, expect, payloads: own = []} of appends) {
      const written = this.#written(stream, facts);
      text += written.text;
      last += written.count;
      parts.push({stream, last, expect});
      payloads.push(...own);
    }
    const begins = appends.some(({facts}) => doesBegin(facts));
    const outcome = await this.#hand({stream: appends[0].stream, text, count: last, parts, begins, payloads});
    if (!('conflict' in outcome)) return receiptOf(outcome);
    const refused = appends.find(({stream}) => stream === outcome.stream);
    throw new RevisionConflict(outcome.stream, refused?.expect ?? 0, outcome.conflict);
  }

  /**
  Hands a command over and waits until it is kept.

  @throws Fault JOURNAL_BUSY, JOURNAL_FAILED
  */
  send(stream: string, facts: readonly Fact[], more: Pick<Append, 'expect' | 'payloads' | 'work'>): Promise<Taken> {
    return this.#hand({stream, ...this.#written(stream, facts), begins: doesBegin(facts), ...more});
  }

  #hand(append: Append): Promise<Taken> {
    if (this.#characters > this.#busyCharacters) return Promise.reject(new Fault('JOURNAL_BUSY', {retryAfterS: 1}));
    return new Promise((resolve, reject) => {
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
    else this.#turn.append({stream, ...this.#written(stream, facts), payloads: kept});
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
      else if ('refused' in outcome) waiter.reject(failed(outcome.refused));
      else waiter.resolve(outcome);
    }
  }
}

/** @throws TypeError when it is not that of facts that were kept */
export function receiptOf(outcome: Taken): Receipt {
  if (!('position' in outcome)) throw new TypeError('Expected the facts to have a position');
  return {position: outcome.position, durability: 'fsync'};
}

/** Facts without an end begin something. */
const doesBegin = (facts: readonly Fact[]) => facts.length > 0 && !facts.some(({type}) => isLast(type));
