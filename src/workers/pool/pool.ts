import type {Clock} from '../../clock.ts';
import {Fault} from '../../errors.ts';
import type {Meter} from '../../meter.ts';
import type {Deadline, Lease, RuntimeCall, RuntimeReply, Runtimes, StartRecord} from '../../runtime.ts';
import type {Member} from './member.ts';
import {retryAfterS, ServiceTime} from './service-time.ts';

export interface PoolOptions {
  readonly queueLength: number;
  readonly queueWaitMs: number;
  readonly startTimeoutMs: number;
}

interface Waiter {
  readonly since: number;
  /** It waits for a sub-runtime to start, not for a place. */
  readonly cold: boolean;
  /** How many waited then, this one included. */
  readonly depth: number;
  readonly admit: (lease: Lease) => void;
  readonly refuse: (fault: Fault) => void;
  stopTimer: () => void;
}

/** Every ready sub-runtime, so many calls at a time each, and one bounded queue in front of them, first come first served. */
export class Pool implements Runtimes {
  readonly #options: PoolOptions;
  readonly #clock: Clock;
  readonly #meter: Meter;
  readonly #members: Member[] = [];
  readonly #waiting: Waiter[] = [];
  #refusal: (() => Fault) | undefined;
  /** The start that is being told to the first who waited for it. */
  #start: StartRecord | undefined;
  readonly #service = new ServiceTime();

  constructor(options: PoolOptions, clock: Clock, meter: Meter) {
    this.#options = options;
    this.#clock = clock;
    this.#meter = meter;
  }

  /** Sub-runtimes that take calls. */
  get size(): number {
    return this.#members.length;
  }

  /** Whoever comes now is refused. */
  get isOverloaded(): boolean {
    return this.#waiting.length >= this.#options.queueLength && this.#members.every(member => member.isFull);
  }

  /**
  A sub-runtime is ready: whoever waits goes there, the oldest first.

  @returns true when somebody had waited for this start, and carries its record on
  */
  add(member: Member, start?: StartRecord): boolean {
    this.#members.push(member);
    this.#start = start;
    this.#admitWaiting();
    const isTold = start !== undefined && this.#start === undefined;
    this.#start = undefined;
    return isTold;
  }

  /** It takes no new calls. Those that it has run on; those that wait, wait on for another. */
  remove(member: Member): void {
    const at = this.#members.indexOf(member);
    if (at !== -1) this.#members.splice(at, 1);
  }

  /** Sends whoever waits there once it has rested, as no other call may come. A timer may come a moment early: then it is waited for again. */
  admitRested(member: Member): void {
    if (member.restMs === 0) return;
    this.#clock.after(member.restMs, () => {
      this.admitRested(member);
      this.#admitWaiting();
    });
  }

  /** Everybody is refused, now and until `admit`. @returns how many were waiting */
  refuse(reason: () => Fault): number {
    this.#refusal = reason;
    const waiting = this.#waiting.splice(0);
    for (const waiter of waiting) this.#turnAway(waiter, reason());
    return waiting.length;
  }

  /** A sub-runtime may come again after all. */
  admit(): void {
    this.#refusal = undefined;
  }

  async lease(deadline: Deadline, signal?: AbortSignal): Promise<Lease> {
    if (this.#refusal) throw this.#refusal();
    if (signal?.aborted) throw new Fault('CALLER_LEFT');
    const leftMs = deadline.monotonicMs - this.#clock.monotonic();
    if (leftMs <= 0) throw tooLate(deadline);
    const free = this.#waiting.length === 0 ? this.#freeMember() : undefined;
    if (free) return this.#take(free, unwaited);
    if (this.#waiting.length >= this.#options.queueLength) throw this.#busy();
    if (this.#members.length > 0 && this.#queueMs() > leftMs) throw this.#busy();
    return this.#wait(deadline, signal);
  }

  #wait(deadline: Deadline, signal: AbortSignal | undefined): Promise<Lease> {
    const {queueWaitMs, startTimeoutMs} = this.#options;
    const cold = this.#members.length === 0;
    const since = this.#clock.monotonic();
    const {promise, resolve, reject} = Promise.withResolvers<Lease>();
    const depth = this.#waiting.length + 1;
    const waiter: Waiter = {since, cold, depth, admit: resolve, refuse: reject, stopTimer: () => {}};
    const longestMs = cold ? startTimeoutMs : queueWaitMs;
    const leftMs = deadline.monotonicMs - since;
    const fault = () => (leftMs <= longestMs ? tooLate(deadline) : cold ? this.#notReady(longestMs) : this.#busy());
    const giveUp = (fault: () => Fault) => {
      const at = this.#waiting.indexOf(waiter);
      if (at === -1) return;
      this.#waiting.splice(at, 1);
      this.#turnAway(waiter, fault());
    };
    waiter.stopTimer = this.#clock.after(Math.min(longestMs, leftMs), () => giveUp(fault));
    signal?.addEventListener('abort', () => giveUp(() => new Fault('CALLER_LEFT')), {once: true});
    this.#waiting.push(waiter);
    this.#meter.queued(this.#waiting.length);
    return promise;
  }

  #turnAway(waiter: Waiter, fault: Fault): void {
    waiter.stopTimer();
    this.#meter.dequeued(this.#waiting.length, this.#waitedMs(waiter) / 1000);
    waiter.refuse(fault);
  }

  #admitWaiting(): void {
    for (let member = this.#freeMember(); member; member = this.#freeMember()) {
      const waiter = this.#waiting.shift();
      if (!waiter) return;
      waiter.stopTimer();
      const waitedMs = this.#waitedMs(waiter);
      this.#meter.dequeued(this.#waiting.length, waitedMs / 1000);
      waiter.admit(this.#take(member, {waitedMs, depth: waiter.depth, cold: waiter.cold}));
    }
  }

  /** The least busy one; of equals the one that rested longest. */
  #freeMember(): Member | undefined {
    let best: Member | undefined;
    for (const member of this.#members) {
      if (member.isFull || member.restMs > 0) continue;
      if (!best || member.active < best.active || (member.active === best.active && member.usedAt < best.usedAt)) best = member;
    }
    return best;
  }

  #take(member: Member, {waitedMs, depth, cold}: Pick<Lease, 'waitedMs' | 'depth' | 'cold'>): Lease {
    const taken = this.#clock.monotonic();
    const place = member.take(taken);
    const start = cold ? this.#start : undefined;
    if (start) this.#start = undefined;
    const free = () => {
      place.free();
      this.#admitWaiting();
    };
    return {
      cold,
      start,
      waitedMs,
      depth,
      address: member.address,
      pid: member.pid,
      release: free,
      send: (call: RuntimeCall): Promise<RuntimeReply> =>
        place.send(call, () => {
          this.#service.learn(this.#clock.monotonic() - taken);
          this.admitRested(member);
          free();
        }),
    };
  }

  #waitedMs(waiter: Waiter): number {
    return this.#clock.monotonic() - waiter.since;
  }

  /** When the queue of now will have been served, as far as past calls tell. */
  #queueMs(): number {
    return this.#service.queueMs(
      this.#waiting.length,
      this.#members.reduce((sum, member) => sum + member.concurrency, 0),
    );
  }

  #busy(): Fault {
    return new Fault('POOL_BUSY', {retryAfterS: retryAfterS(this.#queueMs())});
  }

  #notReady(waitedMs: number): Fault {
    return new Fault('POOL_NOT_READY', {
      message: `The sub-runtime was not ready within ${waitedMs} ms`,
      retryAfterS: retryAfterS(this.#queueMs()),
    });
  }
}

const unwaited = {waitedMs: 0, depth: 0, cold: false};

const tooLate = ({timeoutMs}: Deadline) =>
  new Fault('UPSTREAM_TIMEOUT', {message: `No sub-runtime was free to answer within ${timeoutMs} ms`, reached: false});
