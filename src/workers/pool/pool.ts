import type {Clock} from '../../clock.ts';
import {Fault} from '../../errors.ts';
import type {ReplyTurns} from '../../limits/reply-turns.ts';
import type {Meter} from '../../meter.ts';
import type {Deadline, Lease, RuntimeCall, RuntimeReply, Runtimes, StartRecord} from '../../runtime.ts';
import type {Member} from './member.ts';
import {heldPlaces, placesOf, turnsLeft} from './places.ts';
import {busy, notReady, tooLate} from './refusals.ts';
import {ServiceTime} from './service-time.ts';
import {type Waiter, whenLeft} from './waiter.ts';

export interface PoolOptions {
  readonly queueLength: number;
  readonly queueWaitMs: number;
  readonly startTimeoutMs: number;
  /** Where memory is scarce: how many calls may run at a time for the sake of their replies. */
  readonly replyTurns?: ReplyTurns | undefined;
}

/** The ready sub-runtimes, each with a limited number of calls at a time, and one bounded queue in front of them: first come, first served. */
export class Pool implements Runtimes {
  readonly #options: PoolOptions;
  readonly #replyTurns: ReplyTurns | undefined;
  readonly #clock: Clock;
  readonly #meter: Meter;
  readonly #members: Member[] = [];
  readonly #waiting: Waiter[] = [];
  #refusal: (() => Fault) | undefined;
  /** The record of the present start, for the first caller that waited for it. */
  #start: StartRecord | undefined;
  readonly #service = new ServiceTime();

  constructor(options: PoolOptions, clock: Clock, meter: Meter) {
    this.#options = options;
    this.#replyTurns = options.replyTurns;
    this.#clock = clock;
    this.#meter = meter;
  }

  /** True while callers wait for a place. */
  get isWaitedFor(): boolean {
    return this.#waiting.length > 0;
  }

  /** How many sub-runtimes take calls. */
  get size(): number {
    return this.#members.length;
  }

  /** True when a caller that comes now would be refused. */
  get isOverloaded(): boolean {
    return this.#isQueueFull && !this.#freeMember();
  }

  /**
  Adds a sub-runtime that is ready. Callers that wait go there, the oldest first.

  @returns true when a caller had waited for this start: it has the record, and reports it
  */
  add(member: Member, start?: StartRecord): boolean {
    this.#members.push(member);
    this.#start = start;
    this.admitWaiting();
    const isCarried = start !== undefined && this.#start === undefined;
    this.#start = undefined;
    return isCarried;
  }

  /** Gives the sub-runtime no new calls. The calls in it run on; callers that wait go on waiting for another sub-runtime. */
  remove(member: Member): void {
    const at = this.#members.indexOf(member);
    if (at !== -1) this.#members.splice(at, 1);
  }

  /** Sends waiting callers there once it has rested, as no other event may do so. If the timer fires a moment early, it waits again. */
  admitRested(member: Member): void {
    if (member.restMs === 0) return;
    this.#clock.after(member.restMs, () => {
      this.admitRested(member);
      this.admitWaiting();
    });
  }

  /** Refuses every caller, from now until `admit`. @returns how many were waiting */
  refuse(reason: () => Fault): number {
    this.#refusal = reason;
    const waiting = this.#waiting.splice(0);
    for (const waiter of waiting) this.#turnAway(waiter, reason());
    return waiting.length;
  }

  /** Ends the refusing: a sub-runtime may become ready after all. */
  admit(): void {
    this.#refusal = undefined;
  }

  async lease(deadline: Deadline, signal?: RuntimeCall['signal']): Promise<Lease> {
    if (this.#refusal) throw this.#refusal();
    if (signal?.aborted) throw new Fault('CALLER_LEFT');
    const now = this.#clock.monotonic();
    const leftMs = deadline.monotonicMs - now;
    if (leftMs <= 0) throw tooLate(deadline);
    const free = this.#waiting.length === 0 ? this.#freeMember() : undefined;
    if (free) return this.#take(free, now, unwaited);
    if (this.#isQueueFull || (this.#members.length > 0 && this.#queueMs() > leftMs)) throw busy(this.#queueMs());
    return this.#wait(deadline, signal);
  }

  /** Those who have a place once a process answers, or the replies of others have left, are not in the queue's way. */
  get #isQueueFull(): boolean {
    const over = this.#waiting.length - this.#options.queueLength;
    return over >= 0 && over >= heldPlaces(this.#members, this.#replyTurns);
  }

  #wait(deadline: Deadline, signal: RuntimeCall['signal']): Promise<Lease> {
    const {queueWaitMs, startTimeoutMs} = this.#options;
    const cold = this.#members.length === 0;
    const since = this.#clock.monotonic();
    const {promise, resolve, reject} = Promise.withResolvers<Lease>();
    const depth = this.#waiting.length + 1;
    const waiter: Waiter = {since, cold, depth, admit: resolve, refuse: reject, stop: () => {}};
    const longestMs = cold ? startTimeoutMs : queueWaitMs;
    const leftMs = deadline.monotonicMs - since;
    const fault = () => (leftMs <= longestMs ? tooLate(deadline) : cold ? notReady(longestMs, this.#queueMs()) : busy(this.#queueMs()));
    const giveUp = (fault: () => Fault) => {
      const at = this.#waiting.indexOf(waiter);
      if (at === -1) return;
      this.#waiting.splice(at, 1);
      this.#turnAway(waiter, fault());
    };
    const stopTimer = this.#clock.after(Math.min(longestMs, leftMs), () => giveUp(fault));
    waiter.stop = whenLeft(signal, stopTimer, () => giveUp(() => new Fault('CALLER_LEFT')));
    this.#waiting.push(waiter);
    this.#meter.queued(this.#waiting.length);
    return promise;
  }

  #turnAway(waiter: Waiter, fault: Fault): void {
    waiter.stop();
    this.#meter.dequeued(this.#waiting.length, this.#waitedMs(waiter) / 1000);
    waiter.refuse(fault);
  }

  /** Called when a place may have become free. */
  admitWaiting(): void {
    while (this.#waiting.length > 0) {
      const member = this.#freeMember();
      const waiter = member && this.#waiting.shift();
      if (!waiter) return;
      waiter.stop();
      const now = this.#clock.monotonic();
      const waitedMs = now - waiter.since;
      this.#meter.dequeued(this.#waiting.length, waitedMs / 1000);
      waiter.admit(this.#take(member, now, {waitedMs, depth: waiter.depth, cold: waiter.cold}));
    }
  }

  /** The least busy sub-runtime that takes a call; among equals, the one that has been idle longest. */
  #freeMember(): Member | undefined {
    let best: Member | undefined;
    if (this.#replyTurns && turnsLeft(this.#members, this.#replyTurns) <= 0) return best;
    for (const member of this.#members) {
      if (member.isFull || member.restMs > 0) continue;
      if (!best || member.active < best.active || (member.active === best.active && member.usedAt < best.usedAt)) best = member;
    }
    return best;
  }

  #take(member: Member, taken: number, {waitedMs, depth, cold}: Pick<Lease, 'waitedMs' | 'depth' | 'cold'>): Lease {
    const place = member.take(taken);
    const start = cold ? this.#start : undefined;
    if (start) this.#start = undefined;
    return {
      cold,
      start,
      waitedMs,
      depth,
      address: member.address,
      pid: member.pid,
      send: (call: RuntimeCall): Promise<RuntimeReply> =>
        place.send(call, replyBytes => {
          this.#replyTurns?.learn(replyBytes);
          this.#service.learn(this.#clock.monotonic() - taken);
          this.admitRested(member);
          this.admitWaiting();
        }),
    };
  }

  #waitedMs(waiter: Waiter): number {
    return this.#clock.monotonic() - waiter.since;
  }

  /** How long it will take to serve the present queue, as far as past calls show. */
  #queueMs(): number {
    return this.#service.queueMs(this.#waiting.length, placesOf(this.#members, this.#replyTurns));
  }
}

const unwaited = {waitedMs: 0, depth: 0, cold: false};
