import type {Clock} from '../clock.ts';
import {Fault} from '../errors.ts';
import type {Meter} from '../meter.ts';
import type {Lease, RuntimeCall, RuntimeReply, Runtimes, StartRecord} from '../runtime.ts';
import type {Upstream} from './upstream.ts';

export interface PoolOptions {
  readonly concurrency: number;
  readonly queueLength: number;
  readonly queueWaitMs: number;
  readonly startTimeoutMs: number;
  readonly address: {readonly host: string; readonly port: number};
}

interface Waiter {
  readonly since: number;
  readonly cold: boolean;
  readonly admit: (lease: Lease) => void;
  readonly refuse: (fault: Fault) => void;
  stopTimer: () => void;
}

/** One sub-runtime, so many calls at a time, and a bounded queue in front of it. */
export class Pool implements Runtimes {
  readonly #options: PoolOptions;
  readonly #clock: Clock;
  readonly #meter: Meter;
  readonly #waiting: Waiter[] = [];
  #upstream: Upstream | undefined;
  #closed: (() => Fault) | undefined;
  /** The start that is being told to the first who waited for it. */
  #start: StartRecord | undefined;
  #active = 0;
  /** Mean time of a call in milliseconds, the newest weighing a tenth; for Retry-After. */
  #serviceMs = 100;

  constructor(options: PoolOptions, clock: Clock, meter: Meter) {
    this.#options = options;
    this.#clock = clock;
    this.#meter = meter;
  }

  get isReady(): boolean {
    return this.#upstream !== undefined;
  }

  /**
  A sub-runtime is ready: whoever waits goes there, the oldest first.

  @returns true when somebody had waited for this start, and carries its record on
  */
  open(upstream: Upstream, start?: StartRecord): boolean {
    this.#upstream = upstream;
    this.#start = start;
    this.#admitWaiting();
    const isTold = this.#start === undefined;
    this.#start = undefined;
    return isTold;
  }

  /** The sub-runtime is gone. Calls that were sent fail; those that wait, wait on for the next one. */
  lose(reason: Fault): void {
    this.#upstream?.destroy(reason);
    this.#upstream = undefined;
  }

  /** No sub-runtime will come any more: everybody is refused, now and later. */
  close(reason: () => Fault): void {
    this.#closed = reason;
    for (const waiter of this.#waiting.splice(0)) this.#refuse(waiter, reason());
  }

  async lease(deadline: number): Promise<Lease> {
    if (this.#closed) throw this.#closed();
    const upstream = this.#upstream;
    if (upstream && this.#active < this.#options.concurrency && this.#waiting.length === 0) return this.#take(upstream, 0, false);
    if (this.#waiting.length >= this.#options.queueLength) throw this.#busy();
    return this.#wait(deadline, upstream === undefined);
  }

  #wait(deadline: number, cold: boolean): Promise<Lease> {
    const {queueWaitMs, startTimeoutMs} = this.#options;
    const since = this.#clock.monotonic();
    const {promise, resolve, reject} = Promise.withResolvers<Lease>();
    const waiter: Waiter = {since, cold, admit: resolve, refuse: reject, stopTimer: () => {}};
    const longestMs = Math.min(cold ? startTimeoutMs : queueWaitMs, Math.max(0, Math.round(deadline - since)));
    waiter.stopTimer = this.#clock.after(longestMs, () => {
      this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
      this.#refuse(waiter, cold ? this.#notReady(longestMs) : this.#busy());
    });
    this.#waiting.push(waiter);
    this.#meter.queued(this.#waiting.length);
    return promise;
  }

  #refuse(waiter: Waiter, fault: Fault): void {
    waiter.stopTimer();
    this.#meter.dequeued(this.#waiting.length, this.#waitedMs(waiter) / 1000);
    waiter.refuse(fault);
  }

  #admitWaiting(): void {
    while (this.#upstream && this.#active < this.#options.concurrency) {
      const waiter = this.#waiting.shift();
      if (!waiter) return;
      waiter.stopTimer();
      const waitedMs = this.#waitedMs(waiter);
      this.#meter.dequeued(this.#waiting.length, waitedMs / 1000);
      waiter.admit(this.#take(this.#upstream, waitedMs, waiter.cold));
    }
  }

  #take(upstream: Upstream, waitedMs: number, cold: boolean): Lease {
    this.#active++;
    const taken = this.#clock.monotonic();
    const start = cold ? this.#start : undefined;
    if (start) this.#start = undefined;
    let held = true;
    const release = () => {
      if (!held) return;
      held = false;
      this.#active--;
      this.#admitWaiting();
    };
    return {
      cold,
      start,
      waitedMs,
      address: this.#options.address,
      release,
      send: (call: RuntimeCall): Promise<RuntimeReply> =>
        upstream.send(call).finally(() => {
          this.#serviceMs += (this.#clock.monotonic() - taken - this.#serviceMs) / 10;
          release();
        }),
    };
  }

  #waitedMs(waiter: Waiter): number {
    return this.#clock.monotonic() - waiter.since;
  }

  #busy(): Fault {
    return new Fault('POOL_BUSY', {retryAfterS: this.#retryAfterS()});
  }

  #notReady(waitedMs: number): Fault {
    return new Fault('POOL_NOT_READY', {
      message: `The sub-runtime was not ready within ${waitedMs} ms`,
      retryAfterS: this.#retryAfterS(),
    });
  }

  /** When the queue of now will have been served, in seconds from 1 to 60. */
  #retryAfterS(): number {
    const queueMs = (this.#waiting.length * this.#serviceMs) / this.#options.concurrency;
    return Math.min(60, Math.max(1, Math.ceil(queueMs / 1000)));
  }
}
