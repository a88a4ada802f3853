import {atTurnEnd} from '../../clock.ts';
import {Fault} from '../../errors.ts';
import {type Fact, isLast} from '../../facts.ts';
import {
  type AppendOptions,
  type Journal,
  type Payload,
  type Position,
  type Receipt,
  type Recorded,
  RevisionConflict,
} from '../../journal.ts';
import type {JournalHouse, Retention} from '../engine.ts';
import {Followers} from '../followers.ts';
import type {Append, FromWriter, Outcome, Page, Question, Reply} from './messages.ts';
import {writeLine} from './pack.ts';
import {failed, WriterThread} from './thread.ts';
import {type Gathered, Turn} from './turn.ts';

/** What nobody waits for is handed over at the latest after this time: a message costs as much as some facts. */
const lingerMs = 50;
/** … or once it is so long. */
const lingerCharacters = 2 ** 18;
/** Characters on their way to the disk past which facts that nobody waits for are dropped, and others refused. */
const shedCharacters = 2 ** 24;
/** The same for payloads that were only recorded: on a slow disk they are dropped before facts are. */
const shedPayloadCharacters = shedCharacters / 2;
const busyCharacters = 2 ** 25;
/** How often old facts are looked for. */
const sweepMs = 60_000;
/** How often it is looked whether the files are there and can be written. */
const lookMs = 1000;
/** A disk that does not come back holds up no stop. */
const closeMs = 2000;

type Sent = Omit<Gathered, 'commands'> & {readonly handedAt: number};

/** The embedded journal: a SQLite database that a thread of its own writes. Every receipt says `fsync`. */
export class SqliteJournal implements Journal {
  readonly #house: JournalHouse;
  readonly #thread: WriterThread;
  readonly #turn = new Turn();
  readonly #sent = new Map<number, Sent>();
  #nextBatch = 1;
  #outstanding = 0;
  readonly #followers = new Followers();
  /** Until it is open, too. */
  #isClosed = true;
  #isFlushAtTurnEnd = false;
  #stopLinger: (() => void) | undefined;
  #openedAt = 0;
  #stopSweeping = () => {};
  #stopLooking = () => {};
  #isDurable = true;
  #shredded = {payloads: 0, until: 0};

  /** @throws JournalRefused */
  static async open(path: string, retention: Retention, house: JournalHouse): Promise<SqliteJournal> {
    const journal = new SqliteJournal(path, retention, house);
    await journal.#thread.opened;
    journal.#isClosed = false;
    journal.#openedAt = house.clock.monotonic();
    journal.#sweep();
    journal.#lookLater();
    return journal;
  }

  private constructor(path: string, retention: Retention, house: JournalHouse) {
    this.#house = house;
    this.#thread = new WriterThread(
      {path, retention},
      {
        committed: message => this.#committed(message),
        told: ({level, message, cause}) => house.log[level]({cause}, message),
        looked: () => this.#lookLater(),
        state: ({isDurable}) => {
          this.#isDurable = isDurable;
        },
        shed: ({facts, payloads}) => this.#shed(facts, payloads),
        shredded: ({payloads, early, until}) => {
          this.#shed(0, early);
          this.#shredded = {payloads: this.#shredded.payloads + payloads, until};
        },
        ended: error => this.#ended(error),
      },
    );
  }

  /** False while it cannot be written. */
  get isDurable(): boolean {
    return this.#isDurable;
  }

  append(stream: string, facts: readonly [Fact, ...Fact[]], {expect, payloads}: AppendOptions = {}): Promise<Receipt> {
    if (this.#isClosed) return Promise.reject(failed('it is closed'));
    if (this.#outstanding + this.#turn.characters > busyCharacters) return Promise.reject(new Fault('JOURNAL_BUSY', {retryAfterS: 1}));
    return new Promise((resolve, reject) => {
      const begins = !facts.some(({type}) => isLast(type));
      this.#turn.append({stream, ...this.#written(stream, facts), expect, begins, payloads}, {stream, expect, resolve, reject});
      this.#flushAtTurnEnd();
    });
  }

  record(stream: string, facts: readonly [Fact, ...Fact[]], payloads: readonly Payload[] = []): void {
    const waiting = this.#outstanding + this.#turn.characters;
    if (this.#isClosed || waiting > shedCharacters) {
      this.#shed(facts.length, payloads.length);
      return;
    }
    const kept = waiting <= shedPayloadCharacters ? payloads : [];
    if (kept.length < payloads.length) this.#shed(0, payloads.length);
    const {text, count} = this.#written(stream, facts);
    // Invocations are many: a row in a list for each would cost more than the fact, and the time in the id tells where it is.
    if (stream.startsWith('invocation.')) this.#turn.record(text, count, kept);
    else this.#turn.append({stream, text, count, payloads: kept});
    if (this.#turn.characters > lingerCharacters) this.#flush();
    else if (this.#followers.count > 0) this.#flushAtTurnEnd();
    else this.#stopLinger ??= this.#house.clock.after(lingerMs, () => this.#flush());
  }

  async last(stream: string): Promise<Recorded | undefined> {
    return (await this.#ask({last: stream})) as Recorded | undefined; // the writer answers what was asked
  }

  async payload(name: string): Promise<Uint8Array | undefined> {
    return (await this.#ask({payload: name})) as Uint8Array | undefined; // as above
  }

  read(stream: string): AsyncIterable<Recorded> {
    return this.#pages({stream}, 0);
  }

  scan(prefix: string, {after = 0}: {after?: Position} = {}): AsyncIterable<Recorded> {
    return this.#pages({prefix}, after);
  }

  async before(at: number): Promise<Position> {
    return (await this.#ask({before: at})) as Position; // as above
  }

  async *follow({after, signal}: {after: Position; signal: AbortSignal}): AsyncIterable<Recorded> {
    this.#followers.count++;
    try {
      for (let seen = after; !signal.aborted && !this.#isClosed; ) {
        const {times} = this.#followers; // before asking: what comes meanwhile is not missed
        const {facts, next, until} = (await this.#ask({page: {of: {prefix: ''}, after: seen}})) as Page; // as above
        for (const recorded of facts) {
          yield recorded;
          if (signal.aborted) return;
        }
        seen = next ?? Math.max(seen, until);
        if (facts.length === 0) await this.#followers.next(times, signal);
      }
    } finally {
      this.#followers.count--;
    }
  }

  /** Writes what was handed over before; whoever follows comes to an end. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isClosed) {
      this.#stopTimers();
      this.#flush();
      this.#isClosed = true;
      this.#thread.post({type: 'close'});
      this.#followers.wake();
    }
    const stopTimer = this.#house.clock.after(closeMs, () => {
      this.#house.log.error({}, 'The journal did not close in time: facts of the last moment may be lost');
      this.#thread.abandon();
    });
    await this.#thread.closed;
    stopTimer();
  }

  async *#pages(of: {stream: string} | {prefix: string}, after: Position): AsyncIterable<Recorded> {
    let until: Position | undefined;
    for (;;) {
      const page = (await this.#ask({page: {of, after, until}})) as Page; // as above
      yield* page.facts;
      if (page.next === undefined) return;
      after = page.next;
      until = page.until;
    }
  }

  #written(stream: string, facts: readonly Fact[]): Pick<Append, 'text' | 'count'> {
    const at = this.#house.clock.now();
    let text = '';
    for (const fact of facts) text += writeLine(stream, at, fact);
    return {text, count: facts.length};
  }

  #ask(question: Question): Promise<Reply> {
    if (this.#isClosed) return Promise.reject(failed('it is closed'));
    this.#flush();
    return this.#thread.ask(question);
  }

  #flushAtTurnEnd(): void {
    if (this.#isFlushAtTurnEnd) return;
    this.#isFlushAtTurnEnd = true;
    atTurnEnd(() => this.#flush());
  }

  /** One message, however many facts. */
  #flush(): void {
    this.#isFlushAtTurnEnd = false;
    this.#stopLinger?.();
    this.#stopLinger = undefined;
    const gathered = this.#turn.take();
    if (!gathered) return;
    const {commands, ...sent} = gathered;
    const id = this.#nextBatch++;
    const {clock} = this.#house;
    this.#sent.set(id, {...sent, handedAt: clock.monotonic()});
    this.#outstanding += sent.characters;
    this.#thread.post({type: 'batch', id, now: clock.now(), commands});
  }

  #committed({batches}: Extract<FromWriter, {type: 'committed'}>): void {
    for (const {id, outcomes, failure} of batches) this.#settle(id, outcomes, failure);
    this.#followers.wake();
  }

  #settle(id: number, outcomes: readonly Outcome[], failure?: string): void {
    const sent = this.#sent.get(id);
    if (!sent) return;
    this.#sent.delete(id);
    this.#outstanding -= sent.characters;
    const {meter, clock} = this.#house;
    if (failure === undefined) meter.appended((clock.monotonic() - sent.handedAt) / 1000);
    else this.#shed(sent.facts, sent.payloads);
    for (const [index, waiter] of sent.waiters.entries()) {
      if (!waiter) continue;
      const outcome = outcomes[index];
      if (!outcome) waiter.reject(failed(failure ?? 'it gave no answer'));
      else if ('conflict' in outcome) waiter.reject(new RevisionConflict(waiter.stream, waiter.expect ?? 0, outcome.conflict));
      else if ('refused' in outcome) waiter.reject(failed(outcome.refused));
      else waiter.resolve({position: outcome.position, durability: 'fsync'});
    }
  }

  #shed(facts: number, payloads: number): void {
    if (facts > 0) this.#house.meter.shed(facts);
    if (payloads > 0) this.#house.meter.payloadsShed(payloads);
  }

  #sweep(): void {
    const {clock} = this.#house;
    if (this.#shredded.payloads > 0) this.record('journal', [{type: 'payload.shredded', data: this.#shredded}]);
    this.#shredded = {payloads: 0, until: 0};
    this.#thread.post({type: 'sweep', now: clock.now(), upMs: clock.monotonic() - this.#openedAt});
    this.#stopSweeping = clock.after(sweepMs, () => this.#sweep());
  }

  /** One at a time: a disk that hangs is not asked again and again. */
  #lookLater(): void {
    if (this.#isClosed) return;
    const {clock} = this.#house;
    this.#stopLooking = clock.after(lookMs, () => this.#thread.post({type: 'look', now: clock.now()}));
  }

  #stopTimers(): void {
    this.#stopSweeping();
    this.#stopLooking();
  }

  /** By itself after the close, else by a bug: then nothing is acknowledged any more. */
  #ended(error: Error): void {
    this.#stopTimers();
    this.#isDurable = false;
    if (!this.#isClosed) this.#house.log.error({cause: error.message}, 'The journal is lost: facts are dropped from now on');
    this.#isClosed = true;
    for (const id of [...this.#sent.keys()]) this.#settle(id, [], error.message);
    this.#followers.wake();
  }
}
