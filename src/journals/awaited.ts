import {Fault} from '../errors.ts';
import type {Fact} from '../facts.ts';
import type {
  AppendOptions,
  Cores,
  FollowOptions,
  Journal,
  LastOptions,
  Payload,
  Position,
  Receipt,
  Recorded,
  StreamAppend,
} from '../journal.ts';
import {keepsWork, type WorkingJournal, type WorkStore} from '../work.ts';
import {AwaitedWork} from './awaited-work.ts';
import {backOff} from './back-off.ts';
import {type Capabilities, isAway, type JournalHealth, type JournalHouse, type OpenedJournal} from './engine.ts';
import {Followers} from './followers.ts';

/** How long a stop waits for a try that is on its way. */
const closeMs = 2000;
/** Until the servers say how long it is; never 0, as other cores write the journal, too. */
const leaseMs = 15_000;
/** Facts of the core about itself that are kept until the journal is open. */
const mostEarly = 1000;
/** What is expected of the servers. No receipt says so before they do. */
const expected: Capabilities = {durability: 'fsync', synced: 'seen', payloadBytes: 2 ** 20};

export interface AwaitedHouse extends Pick<JournalHouse, 'clock' | 'log' | 'meter'> {
  /** As CORE_JOURNAL would name it. */
  readonly location: string;
}

/** A journal whose servers were away when the core started. */
export class AwaitedJournal implements WorkingJournal {
  readonly work = new AwaitedWork(() => this.#work());
  readonly opened: OpenedJournal;
  readonly #open: () => Promise<OpenedJournal>;
  readonly #house: AwaitedHouse;
  readonly #since: number;
  readonly #closing = new AbortController();
  readonly #followers = new Followers();
  readonly #trying: Promise<void>;
  #early: {readonly stream: string; readonly facts: readonly [Fact, ...Fact[]]}[] = [];
  #inner: OpenedJournal | undefined;
  /** Why it is not open. */
  #cause: string;
  #isRefused = false;

  /** @param first the try that is on its way, or has failed */
  constructor(
    {first, open, cause}: {first: Promise<OpenedJournal>; open: () => Promise<OpenedJournal>; cause: string},
    house: AwaitedHouse,
  ) {
    this.#open = open;
    this.#house = house;
    this.#cause = cause;
    this.#since = house.clock.monotonic();
    this.opened = this.#asOpened();
    house.log.error({journal: house.location, cause}, 'The journal is away: HTTP is served without facts until its servers are there');
    this.#trying = this.#try(first);
  }

  append(stream: string, facts: readonly [Fact, ...Fact[]], options?: AppendOptions): Promise<Receipt> {
    return this.#now(journal => journal.append(stream, facts, options));
  }

  appendAll(appends: readonly [StreamAppend, ...StreamAppend[]]): Promise<Receipt> {
    return this.#now(journal => journal.appendAll(appends));
  }

  /** What a core has to say of itself waits; it would explain nothing of what comes later without it. */
  record(stream: string, facts: readonly [Fact, ...Fact[]], payloads: readonly Payload[] = []): void {
    if (this.#inner) this.#inner.journal.record(stream, facts, payloads);
    else if (stream.startsWith('runtime.') && this.#early.length < mostEarly) this.#early.push({stream, facts});
    else this.#shed(facts.length, payloads.length);
  }

  last(stream: string, options?: LastOptions): Promise<Recorded | undefined> {
    return this.#now(journal => journal.last(stream, options));
  }

  payload(name: string): Promise<Uint8Array | undefined> {
    return this.#now(journal => journal.payload(name));
  }

  before(at: number): Promise<Position> {
    return this.#now(journal => journal.before(at));
  }

  async *read(stream: string): AsyncIterable<Recorded> {
    yield* this.#journal().read(stream);
  }

  async *scan(prefix: string, options?: {after?: Position}): AsyncIterable<Recorded> {
    yield* this.#journal().scan(prefix, options);
  }

  async *follow(options: FollowOptions): AsyncIterable<Recorded> {
    const {signal} = options;
    while (!this.#inner && !signal.aborted && !this.#closing.signal.aborted) await this.#followers.next(this.#followers.times, signal);
    if (this.#inner) yield* this.#inner.journal.follow(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#followers.wake();
    for (const {facts} of this.#early.splice(0)) this.#shed(facts.length, 0);
    const inTime = new AbortController();
    await Promise.race([this.#trying, this.#house.clock.sleep(closeMs, inTime.signal)]);
    inTime.abort();
    await this.#inner?.journal[Symbol.asyncDispose]();
  }

  /** What is asked of it is asked of the servers, once they are there. */
  #asOpened(): OpenedJournal {
    const inner = () => this.#inner;
    const cores: Cores = {
      get leaseMs() {
        return inner()?.cores?.leaseMs ?? leaseMs;
      },
      isAlive: core => this.#now(async () => (await inner()?.cores?.isAlive(core)) ?? true),
    };
    return {
      journal: this,
      cores,
      health: () => this.#health(),
      get can() {
        return inner()?.can ?? expected;
      },
      get isDurable() {
        return inner()?.isDurable ?? false;
      },
    };
  }

  #health(): JournalHealth {
    if (this.#inner) return this.#inner.health?.() ?? {isConnected: true, sweptAgoMs: 0};
    return {isConnected: false, sweptAgoMs: this.#house.clock.monotonic() - this.#since, problem: this.#cause};
  }

  async #try(first: Promise<OpenedJournal>): Promise<void> {
    const {clock} = this.#house;
    for (let time = 1, opening = first; ; time++, opening = this.#open()) {
      try {
        return await this.#enter(await opening);
      } catch (error) {
        this.#note(error);
      }
      if (!(await clock.sleep(backOff(time), this.#closing.signal))) return;
    }
  }

  async #enter(opened: OpenedJournal): Promise<void> {
    if (this.#closing.signal.aborted) return opened.journal[Symbol.asyncDispose]();
    this.#inner = opened;
    for (const {stream, facts} of this.#early.splice(0)) opened.journal.record(stream, facts);
    this.#followers.wake();
    this.work.begin(this.#work());
  }

  /** The servers that are there now may refuse this core. It serves callers, so it does not end; it says so once. */
  #note(error: unknown): void {
    this.#cause = error instanceof Error ? error.message : String(error);
    if (isAway(error) === !this.#isRefused) return;
    this.#isRefused = !isAway(error);
    const {log, location: journal} = this.#house;
    if (this.#isRefused) log.error({journal, cause: this.#cause}, 'The journal cannot be opened; trying again');
  }

  #shed(facts: number, payloads: number): void {
    const {meter} = this.#house;
    meter.shed(facts);
    if (payloads > 0) meter.payloadsShed(payloads);
  }

  async #now<T>(act: (journal: Journal) => Promise<T>): Promise<T> {
    return act(this.#journal());
  }

  /** @throws Fault JOURNAL_FAILED */
  #journal(): Journal {
    if (this.#inner) return this.#inner.journal;
    throw new Fault('JOURNAL_FAILED', {cause: new Error(this.#cause), retryAfterS: 1});
  }

  /** @throws Fault JOURNAL_FAILED */
  #work(): WorkStore {
    const journal = this.#journal();
    if (keepsWork(journal)) return journal.work;
    throw new Fault('JOURNAL_FAILED', {cause: new Error('it keeps no work'), retryAfterS: 1});
  }
}
