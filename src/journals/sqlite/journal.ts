import type {Fact} from '../../facts.ts';
import type {AppendOptions, FollowOptions, LastOptions, Payload, Position, Receipt, Recorded, StreamAppend} from '../../journal.ts';
import type {WorkingJournal, WorkStore} from '../../work.ts';
import type {JournalHouse, Retention} from '../engine.ts';
import {Followers} from '../followers.ts';
import {checkTogether} from '../together.ts';
import type {Query, Question, ReplyTo} from './messages.ts';
import {Outbox} from './outbox.ts';
import {Questions} from './questions.ts';
import {failed, WriterThread} from './thread.ts';
import {SqliteWork} from './work.ts';

/** How often old facts are looked for. */
const sweepMs = 60_000;
/** How often the writer checks that its files are there and can be written. */
const lookMs = 1000;
/** Longest wait of a stop for the disk. */
const closeMs = 2000;

/** The embedded journal: a SQLite database that a thread of its own writes. Every receipt says `fsync`. */
export class SqliteJournal implements WorkingJournal {
  readonly work: WorkStore;
  readonly #house: JournalHouse;
  readonly #thread: WriterThread;
  readonly #outbox: Outbox;
  readonly #questions = new Questions(() => this.#outbox, {ask: question => this.#thread.ask(question)});
  readonly #followers = new Followers();
  /** Also before it is open. */
  #isClosed = true;
  #openedAt = 0;
  #stopSweeping = () => {};
  #stopLooking = () => {};
  #isDurable = true;
  /** Payloads that were removed since the last fact about it. */
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
    this.#outbox = new Outbox(house, batch => this.#thread.post(batch));
    this.work = new SqliteWork({
      outbox: {send: (...command) => (this.#isClosed ? Promise.reject(failed('it is closed')) : this.#outbox.send(...command))},
      now: () => house.clock.now(),
      ask: question => this.#ask(question),
    });
    this.#thread = new WriterThread(
      {path, retention},
      {
        committed: message => {
          this.#outbox.committed(message);
          this.#followers.wake();
        },
        logged: ({level, message, cause}) => house.log[level]({cause}, message),
        looked: () => this.#lookLater(),
        state: ({isDurable}) => {
          this.#isDurable = isDurable;
        },
        shed: ({facts, payloads}) => this.#outbox.shed(facts, payloads),
        shredded: ({payloads, early, until}) => {
          this.#outbox.shed(0, early);
          this.#shredded = {payloads: this.#shredded.payloads + payloads, until};
        },
        ended: error => this.#ended(error),
      },
    );
  }

  /** False while the journal cannot be written. */
  get isDurable(): boolean {
    return this.#isDurable;
  }

  append(stream: string, facts: readonly [Fact, ...Fact[]], options: AppendOptions = {}): Promise<Receipt> {
    return this.#isClosed ? Promise.reject(failed('it is closed')) : this.#outbox.append(stream, facts, options);
  }

  async appendAll(appends: readonly [StreamAppend, ...StreamAppend[]]): Promise<Receipt> {
    checkTogether(appends);
    if (this.#isClosed) throw failed('it is closed');
    return this.#outbox.appendAll(appends);
  }

  record(stream: string, facts: readonly [Fact, ...Fact[]], payloads: readonly Payload[] = []): void {
    if (this.#isClosed) this.#outbox.shed(facts.length, payloads.length);
    else this.#outbox.record(stream, facts, payloads, this.#followers.count > 0);
  }

  async last(stream: string, options: LastOptions = {}): Promise<Recorded | undefined> {
    return this.#isClosed ? Promise.reject(failed('it is closed')) : this.#questions.last(stream, options);
  }

  async payload(name: string): Promise<Uint8Array | undefined> {
    return this.#ask({payload: name});
  }

  read(stream: string): AsyncIterable<Recorded> {
    return this.#pages({stream}, 0);
  }

  scan(prefix: string, {after = 0}: {after?: Position} = {}): AsyncIterable<Recorded> {
    return this.#pages({prefix}, after);
  }

  async before(at: number): Promise<Position> {
    return this.#ask({before: at});
  }

  async *follow({after, signal, prefix = ''}: FollowOptions): AsyncIterable<Recorded> {
    this.#followers.count++;
    try {
      for (let seen = after; !signal.aborted && !this.#isClosed; ) {
        const {times} = this.#followers; // read before the question, so that facts that come meanwhile are not missed
        const {facts, next, until} = await this.#ask({page: {of: {prefix}, after: seen}});
        for (const recorded of facts) {
          yield recorded;
          if (signal.aborted) return;
        }
        seen = next ?? Math.max(seen, until);
        if (facts.length === 0 && next === undefined) await this.#followers.next(times, signal);
      }
    } finally {
      this.#followers.count--;
    }
  }

  /** Writes what was handed over before, and ends every follower. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isClosed) {
      this.#stopTimers();
      this.#questions.send();
      this.#isClosed = true;
      this.#thread.post({type: 'close'});
      this.#followers.wake();
    }
    const stopTimer = this.#house.clock.after(closeMs, () => {
      this.#house.log.error({}, 'The journal did not close in time: the last facts may be lost');
      this.#thread.abandon();
    });
    await this.#thread.closed;
    stopTimer();
  }

  async *#pages(of: Query['of'], after: Position): AsyncIterable<Recorded> {
    let until: Position | undefined;
    for (;;) {
      const page = await this.#ask({page: {of, after, until}});
      yield* page.facts;
      if (page.next === undefined) return;
      after = page.next;
      until = page.until;
    }
  }

  /** Asks after everything that was handed over before was sent, so that the answer includes it. */
  #ask<Q extends Question>(question: Q): Promise<ReplyTo<Q>> {
    if (this.#isClosed) return Promise.reject(failed('it is closed'));
    this.#outbox.flush();
    return this.#thread.ask(question);
  }

  #sweep(): void {
    const {clock} = this.#house;
    if (this.#shredded.payloads > 0) this.record('journal', [{type: 'payload.shredded', data: this.#shredded}]);
    this.#shredded = {payloads: 0, until: 0};
    this.#thread.post({type: 'sweep', now: clock.now(), upMs: clock.monotonic() - this.#openedAt});
    this.#stopSweeping = clock.after(sweepMs, () => this.#sweep());
  }

  /** Asks for the next look when the last one is done, so that looks do not pile up when a disk hangs. */
  #lookLater(): void {
    if (this.#isClosed) return;
    const {clock} = this.#house;
    this.#stopLooking = clock.after(lookMs, () => this.#thread.post({type: 'look', now: clock.now()}));
  }

  #stopTimers(): void {
    this.#stopSweeping();
    this.#stopLooking();
  }

  /** Called when the thread has ended. Before the close that is a bug, and nothing is acknowledged any more. */
  #ended(error: Error): void {
    this.#stopTimers();
    this.#isDurable = false;
    if (!this.#isClosed) this.#house.log.error({cause: error.message}, 'The journal is lost: facts are dropped from now on');
    this.#isClosed = true;
    this.#outbox.fail(error.message);
    this.#followers.wake();
  }
}
