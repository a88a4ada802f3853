import type {Clock} from '../clock.ts';
import type {InvocationResult} from '../delivery.ts';
import type {Durability} from '../journal.ts';
import type {Change, Claimed, WorkLimits, WorkStatus, WorkStore} from '../work.ts';
import type {StoredRequest} from './stored.ts';

/** How an item ended for good, or why it will not be known here. */
export interface WorkEnd {
  /** The function's reply, or the answer to the fault; absent when there is none. */
  readonly result?: InvocationResult | undefined;
}

/** What runs the work of this core. */
export interface WorkRunner {
  /** Runs an item that is claimed already. @param request what is to be sent */
  run(claimed: Claimed, request: StoredRequest): void;
  /** True once it claims and runs nothing more. */
  readonly isClosing: boolean;
  /** There may be something to claim. @param due when, where that is later: it may be looking by then anyway */
  wake(due?: number): void;
  readonly isPaused: boolean;
  /** While paused nothing is claimed; what runs goes on. */
  pause(isPaused: boolean): void;
  /** Asks an item that runs here to stop. @returns false when it does not run here */
  abort(id: string): boolean;
}

/** Posts replies to where their senders asked for them. */
export interface Poster extends AsyncDisposable {
  /** Tries once. @param number which try it is, from 1 */
  attempt(
    item: {readonly id: string; readonly callback: string; readonly webhookId?: string; readonly traceparent?: string | undefined},
    read: () => Promise<Pick<InvocationResult, 'status' | 'headers' | 'body'> | undefined>,
    number: number,
  ): Promise<{readonly kind: 'delivered' | 'failed' | 'stopped'} | {readonly kind: 'retry'; readonly afterMs: number}>;
}

/** Callers who may wait at a time for work that others run, or that is not due. What runs because somebody waits has bounds of its own. */
export const mostWaiters = 1000;

/** How often it is looked again what an item is that seems to run and does not run here. */
const mostLooks = 3;

/** Where those who accept work, those who run it and those who wait for it meet. A core has one. */
export class WorkHall {
  readonly store: WorkStore;
  readonly limits: WorkLimits;
  /** Most items that may wait or run. */
  readonly most: number;
  /** False while work would be lost with the process. */
  readonly isKept: () => boolean;
  /** Absent when callbacks are off. */
  readonly poster: Poster | undefined;
  readonly #clock: Clock;
  readonly #promise: {readonly durability: Durability};
  /** Tries in a row of an item that did not reach the function. */
  readonly refusals = new Map<string, number>();
  readonly #waiting = new Map<string, Set<(end: WorkEnd | undefined) => void>>();
  #waiters = 0;
  /** Set by the trigger that claims, once it is open. */
  runner: WorkRunner | undefined;

  constructor(
    store: WorkStore,
    options: Pick<WorkHall, 'limits' | 'most' | 'durability' | 'isKept'> & {poster?: Poster | undefined},
    clock: Clock,
  ) {
    const {limits, most, isKept, poster} = options;
    this.store = store;
    this.limits = limits;
    this.most = most;
    this.#promise = options;
    this.isKept = isKept;
    this.poster = poster;
    this.#clock = clock;
    store.onOver?.(id => this.ended(id, {}));
  }

  /** What the journal promises about what it has kept. It may not be open yet. */
  get durability(): Durability {
    return this.#promise.durability;
  }

  /** Callers who wait for the end of work. */
  get waiters(): number {
    return this.#waiters;
  }

  /** Called when an item is over, after that is kept. */
  ended(id: string, end: WorkEnd): void {
    this.refusals.delete(id);
    const waiters = this.#waiting.get(id);
    this.#waiting.delete(id);
    for (const resolve of waiters ?? []) resolve(end);
  }

  /** Lets those go who wait for an item that will not end while this core lives. */
  dismiss(isMeant: (id: string) => boolean): void {
    for (const [id, waiters] of this.#waiting) if (isMeant(id)) for (const resolve of [...waiters]) resolve(undefined);
  }

  /**
  Cancels an item: what does not run ends, what runs is asked to stop. Between these two it may just have changed, so it is
  asked again.

  @returns what it was; undefined when there is nothing to cancel
  */
  async cancel(id: string, change: Change): Promise<WorkStatus | undefined> {
    for (let time = 0; ; time++) {
      const was = await this.store.cancel(id, change);
      if (was === 'waiting' || was === 'behind') {
        this.ended(id, {});
        this.runner?.wake(); // what stood behind it may be due
      }
      if (was !== 'running' || this.runner?.abort(id)) return was;
      if (time === mostLooks) {
        await this.store.stopElsewhere?.(id);
        return was;
      }
    }
  }

  /**
  Waits for the end of an item. Call it before looking whether the item is over, so that no end is missed.

  @returns undefined when the time is over, the signal aborts, or the core ends first
  */
  end(id: string, waitMs: number, signal: AbortSignal): Promise<WorkEnd | undefined> {
    return new Promise<WorkEnd | undefined>(resolve => {
      const waiters = this.#waiting.get(id) ?? new Set();
      this.#waiting.set(id, waiters);
      const stopTimer = this.#clock.after(waitMs, () => done(undefined));
      const leave = () => done(undefined);
      signal.addEventListener('abort', leave, {once: true});
      waiters.add(done);
      this.#waiters++;
      if (signal.aborted) done(undefined);

      function done(end: WorkEnd | undefined): void {
        stopTimer();
        signal.removeEventListener('abort', leave);
        waiters.delete(done);
        resolve(end);
      }
    }).finally(() => this.#forget(id));
  }

  #forget(id: string): void {
    this.#waiters--;
    if (this.#waiting.get(id)?.size === 0) this.#waiting.delete(id);
  }
}
