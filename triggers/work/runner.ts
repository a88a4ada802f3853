import type {ClaimingHouse} from '../../src/trigger.ts';
import {cancelled} from '../../src/work/cancelled.ts';
import type {WorkEnd, WorkHall, WorkRunner} from '../../src/work/hall.ts';
import {readStored, type StoredRequest} from '../../src/work/stored.ts';
import type {Claimed} from '../../src/work.ts';
import {countedAs, endOf, givenBack, type Outcome, outcomeOf, withoutRun} from './attempt.ts';
import {WorkDelivery} from './delivery.ts';
import {type Insist, insistence} from './insist.ts';
import {wasKept} from './kept.ts';
import {whilePaused} from './paused.ts';
import {postOnce} from './post.ts';
import {Room, type Share} from './room.ts';
import {type Run, type RunKind, Runs} from './runs.ts';

/** Longest sleep, as the wall clock may be set meanwhile. */
const longestSleepMs = 60_000;
const shortestSleepMs = 5;
const woken = 'woken'; // without a reason each abort makes an error, with its stack
/** Claims items as they become due, runs them, and keeps what becomes of them. */
export class Runner implements WorkRunner {
  readonly #house: ClaimingHouse;
  readonly #hall: WorkHall;
  readonly #concurrency: number;
  readonly #random: () => number;
  readonly #runs = new Runs();
  readonly #closing = new AbortController();
  readonly #insist: Insist;
  readonly #room: Room;
  #nudge = new AbortController();
  /** Wall time at which it looks by itself; it is not over while it looks. */
  #looksAt = Number.POSITIVE_INFINITY;
  #isPaused = false;
  readonly #claiming: Promise<void>;

  constructor(house: ClaimingHouse, hall: WorkHall, {concurrency, random = Math.random}: {concurrency: number; random?: () => number}) {
    this.#house = house;
    this.#hall = hall;
    this.#concurrency = concurrency;
    this.#random = random;
    this.#room = new Room(house);
    this.#insist = insistence(this.#closing.signal, house);
    hall.store.onLost?.(ids => this.#lost(ids));
    hall.store.onDue?.(() => this.wake());
    hall.store.onStop?.(id => this.abort(id));
    this.#claiming = whilePaused(this, {...house, insist: this.#insist, closing: this.#closing.signal}, () => this.#claim());
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  get isClosing(): boolean {
    return this.#closing.signal.aborted;
  }

  /** While paused nothing is claimed; what runs goes on. */
  pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
    this.wake();
  }

  wake(due?: number): void {
    if (due === undefined || due < this.#looksAt) this.#nudge.abort(woken);
  }

  abort(id: string): boolean {
    return this.#runs.cancel(id);
  }

  run(claimed: Claimed, request: StoredRequest): void {
    this.#launch(claimed, 'waited', run => this.#attempt(claimed, request, run, this.#room.open(request.request.body.length)));
  }

  /** Claims nothing more. Resolves when what runs has ended and that is kept, or cannot be. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.wake();
    this.#hall.dismiss(id => !this.#runs.has(id));
    await this.#hall.poster?.[Symbol.asyncDispose]();
    await this.#claiming;
    await this.#runs.over();
  }

  #lost(ids: readonly string[]): void {
    this.#house.log.warn({items: ids.length}, 'This core was taken for dead: other cores may run its work, so it is cut off here');
    this.#runs.cutOff(ids);
  }

  async #claim(): Promise<void> {
    const {store, limits} = this.#hall;
    while (!this.#closing.signal.aborted) {
      this.#looksAt = Number.POSITIVE_INFINITY;
      this.#nudge = new AbortController(); // before the look, so that what comes meanwhile is not missed
      const free = this.#isPaused ? 0 : this.#runs.free(this.#concurrency);
      const claimed = free > 0 ? await this.#insist(() => store.claim(free, limits)) : [];
      if (this.#closing.signal.aborted) return this.#giveBack(claimed ?? []);
      for (const item of claimed ?? []) this.#start(item);
      if (free > 0 && claimed?.length === free) continue;
      const idleMs = await this.#idleMs(free);
      this.#looksAt = this.#house.clock.now() + idleMs;
      await this.#house.clock.sleep(idleMs, this.#nudge.signal);
    }
  }

  async #idleMs(free: number): Promise<number> {
    if (free === 0) return longestSleepMs;
    const next = await this.#insist(() => this.#hall.store.nextDue());
    if (next === undefined) return longestSleepMs;
    return Math.min(longestSleepMs, Math.max(shortestSleepMs, next - this.#house.clock.now()));
  }

  /** They were claimed while the stop began. */
  async #giveBack(claimed: readonly Claimed[]): Promise<void> {
    for (const {id, epoch, attempts: attempt, deaths, task} of claimed) {
      if (task !== 'run') continue; // the next start does it
      const retry = {due: this.#house.clock.now(), isFree: true, deaths, facts: givenBack(attempt)};
      await this.#insist(() => this.#hall.store.retryAt({id, epoch}, retry), true);
    }
  }

  #start(claimed: Claimed): void {
    if (claimed.task === 'run') this.#launch(claimed, 'background', run => this.#read(claimed, run));
    else if (claimed.task === 'callback') this.#launch(claimed, 'callback', () => this.#post(claimed));
    else this.#launch(claimed, 'background', () => this.#end(claimed, withoutRun(claimed, this.#rules()), endOf(claimed)));
  }

  #rules = () => ({limits: this.#hall.limits, now: this.#house.clock.now()});

  #launch({id}: Claimed, kind: RunKind, act: (run: Run) => Promise<void>): void {
    this.#runs.launch(id, kind, act, () => {
      this.wake();
      if (this.isClosing) this.#hall.dismiss(each => each === id); // it goes on after the next start
    });
  }

  async #read(claimed: Claimed, run: Run): Promise<void> {
    const {journal, log} = this.#house;
    const read = () => this.#insist(async () => (await readStored(claimed.id, name => journal.payload(name))) ?? 'gone', true);
    const found = await this.#room.read(read, got => (typeof got === 'object' ? got.request.body.length : 0), this.#closing.signal);
    if (typeof found?.read === 'object') return this.#attempt(claimed, found.read, run, found.share);
    found?.share.release();
    if (found?.read !== 'gone') return this.#giveBack([claimed]); // the stop came before the journal had said whether it is there
    log.error({invocationId: claimed.id}, 'The request of an item of work is not in the journal: it cannot run');
    await this.#end(claimed, withoutRun({...claimed, task: 'bury'}, this.#rules()), {});
  }

  /** Runs it once. Never rejects. */
  async #attempt(claimed: Claimed, request: StoredRequest, run: Run, share: Share): Promise<void> {
    const {clock, deliver} = this.#house;
    const {id} = claimed;
    const signal = AbortSignal.any([run.abort.signal, this.#house.hurry]);
    const delivery = new WorkDelivery(claimed, request, {signal, share, goesOn: () => this.#house.hurry.aborted && !run.isCancelled});
    await deliver(delivery, delivery);
    const refusals = this.#hall.refusals.get(id) ?? 0;
    const wasCancelled = run.isCancelled;
    const outcome = outcomeOf(claimed, delivery, {
      limits: this.#hall.limits,
      now: clock.now(),
      random: this.#random(),
      refusals,
      isCancelled: wasCancelled,
    });
    if ('retry' in outcome && outcome.retry.isFree) this.#hall.refusals.set(id, refusals + 1);
    else this.#hall.refusals.delete(id);
    await this.#end(claimed, outcome, {result: delivery.result}).finally(() => share.release());
    // Somebody asked for its end while another attempt was being arranged.
    if ('retry' in outcome && run.isCancelled && !wasCancelled)
      await this.#insist(() => this.#hall.cancel(id, cancelled(claimed, clock.now())), true);
  }

  /** Tries once to post the reply of an item that is over. */
  async #post(claimed: Claimed): Promise<void> {
    const {store, poster} = this.#hall;
    const {journal, budget} = this.#house;
    const tried = await postOnce(claimed, poster, {payload: name => journal.payload(name), budget});
    this.#house.meter.callbackTried(tried.kind);
    const now = this.#house.clock.now();
    const {id, epoch} = claimed;
    const change = tried.kind === 'retry' ? {due: now + tried.afterMs} : tried.kind === 'stopped' ? {due: now, isFree: true} : undefined;
    await this.#insist(
      () => (change ? store.retryAt({id, epoch}, {facts: [], deaths: 0, ...change}) : store.settle({id, epoch}, {facts: []})),
      true,
    );
  }

  /** Keeps what became of it, and tells those who wait. */
  async #end({id, epoch}: Claimed, outcome: Outcome, end: WorkEnd): Promise<void> {
    const {store} = this.#hall;
    const kept = await this.#insist(async isAgain => {
      const isDone = await ('retry' in outcome ? store.retryAt({id, epoch}, outcome.retry) : store.settle({id, epoch}, outcome.settle));
      return isDone || (isAgain && wasKept(this.#house.journal, {id, epoch}, outcome));
    }, true);
    if (kept === false)
      this.#house.log.warn({invocationId: id}, 'An item of work was claimed by another core: its outcome here does not count');
    else if (kept === undefined)
      this.#house.log.error({invocationId: id}, 'The end of an item of work could not be kept: it will run again');
    else if ('settle' in outcome) this.#hall.ended(id, end);
    if (kept) this.#house.meter.workAttempted(countedAs(outcome));
  }
}
