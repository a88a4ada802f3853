import type {InvocationResult} from '../../src/delivery.ts';
import type {Fault} from '../../src/errors.ts';
import type {ClaimingHouse} from '../../src/trigger.ts';
import type {HeldClaim} from './claim.ts';
import {Tick} from './delivery.ts';
import type {Flight} from './flight.ts';
import type {Schedule} from './schedule.ts';

/** Occurrences of a schedule that may wait to be delivered again; one more is given up. */
const mostWaiting = 1000;
/** How long an occurrence is delivered again and again before it is given up. After a restart this time begins anew. */
const longestWaitMs = 24 * 3_600_000;
/** Between two attempts that did not reach the function. */
const backOffMs = {first: 1000, most: 60_000};

/** How a delivery ended. `waits`: it did not reach the function, and is delivered again. */
export interface Landed {
  readonly result: InvocationResult;
  readonly waits: boolean;
}

/** Keeps in the journal what happens to a flight. */
export interface FlightKeeper {
  /** Claims it for its next attempt. @returns undefined when this core is not to deliver it any more */
  renew(held: HeldClaim): Promise<HeldClaim | undefined>;
  /** Notes that it is not delivered again. */
  giveUp(held: HeldClaim, fault: Fault): Promise<void>;
  isSettled(held: HeldClaim): Promise<boolean>;
}

/** The occurrences of one schedule that are running or waiting in this core, and in other cores as far as it knows. */
export class Flights {
  readonly #schedule: Schedule;
  readonly #house: ClaimingHouse;
  readonly #keeper: FlightKeeper;
  readonly #running = new Map<Flight, Promise<unknown>>();
  /** Occurrences that have not reached the function yet. */
  readonly #waiting = new Set<Flight>();
  /** Claims of other cores that may still be worked on, by invocation. */
  readonly #elsewhere = new Map<string, HeldClaim>();
  #queue: Promise<unknown> = Promise.resolve();
  #queued = 0;
  /** Work that may launch an occurrence is under way. */
  #isTaken = false;
  readonly #closing = new AbortController();

  constructor(schedule: Schedule, house: ClaimingHouse, keeper: FlightKeeper) {
    this.#schedule = schedule;
    this.#house = house;
    this.#keeper = keeper;
    house.meter.scheduleWaits(schedule.name, 0);
  }

  /** Delivers a claimed occurrence now. @returns how that ended, or undefined when nothing is fired any more */
  async launch(flight: Flight): Promise<Landed | undefined> {
    if (this.#schedule.overlap === 'replace') {
      // An occurrence that has not reached the function yet is replaced, too.
      for (const waiting of this.#waiting) waiting.replace();
      // Two may come at the same time, and the first may be running once the wait is over: so look again.
      while (this.#running.size > 0) await this.replace();
    }
    return this.#fly(flight, fault => void this.#inTurn(() => this.#later(flight, fault)));
  }

  async #fly(flight: Flight, wait?: (fault: Fault) => void): Promise<Landed | undefined> {
    // The claim stays: the next start finds it unsettled and delivers it.
    if (this.#closing.signal.aborted) return;
    const landing = this.#deliver(flight, wait);
    this.#running.set(flight, landing);
    const landed = await landing;
    this.#running.delete(flight);
    return landed;
  }

  /** @param wait called when it has to be delivered again, before it stops counting as running */
  async #deliver(flight: Flight, wait?: (fault: Fault) => void): Promise<Landed | undefined> {
    const {clock, deliver, budget} = this.#house;
    const tick = new Tick(this.#schedule, flight.held, {
      replyHold: budget.openSure('reply'),
      signal: flight.replaced,
      called: () => flight.called(clock.monotonic()),
      mayWait: () => this.#mayWait(flight),
    });
    await deliver(tick);
    const {result, waits} = tick;
    this.#setWaiting(flight, waits !== undefined);
    if (waits) {
      flight.failed = {times: flight.failed.times + 1, at: clock.monotonic()};
      wait?.(waits);
    } else if (result?.fault?.reached === false && !flight.replaced.aborted) await this.#keeper.giveUp(flight.held, result.fault);
    return result && {result, waits: waits !== undefined};
  }

  #mayWait(flight: Flight): boolean {
    if (flight.replaced.aborted || this.#house.clock.monotonic() - flight.since >= longestWaitMs) return false;
    return this.#waiting.has(flight) || this.#waiting.size < mostWaiting;
  }

  /**
  Delivers past occurrences one after another, so that they do not come as a flood. They do not replace a newer one.

  @param next asked when it is its turn; undefined when there is nothing to deliver
  */
  enqueue(next: () => Promise<Flight | undefined>): Promise<unknown> {
    return this.#inTurn(async () => (this.#closing.signal.aborted ? undefined : next()));
  }

  #inTurn(next: () => Promise<Flight | undefined>): Promise<unknown> {
    this.#queued++;
    this.#queue = this.#queue.then(() => this.#flyInTurn(next)).finally(() => this.#queued--);
    return this.#queue;
  }

  /** The occurrences behind it wait: what keeps it from the function would keep them from the function, too. */
  async #flyInTurn(next: () => Promise<Flight | undefined>): Promise<void> {
    let flight = await next();
    while (flight) {
      while (this.#schedule.overlap !== 'allow' && this.#running.size > 0 && !flight.replaced.aborted) {
        await Promise.all(this.#running.values());
      }
      const landed: Landed | undefined = await this.#fly(flight);
      if (!landed?.waits || !landed.result.fault) return;
      flight = await this.#later(flight, landed.result.fault);
    }
  }

  /** Waits, and claims the occurrence for one more attempt. @returns undefined when this core is not to deliver it any more */
  async #later(flight: Flight, {code, retryAfterS = 0}: Fault): Promise<Flight | undefined> {
    const {clock, log} = this.#house;
    const closing = this.#closing.signal;
    const {name: schedule, occurrence, attempt} = flight.claim;
    const {times, at} = flight.failed;
    const pauseMs = Math.min(Math.max(backOffMs.first * 2 ** (times - 1), retryAfterS * 1000), backOffMs.most);
    const afterMs = Math.max(0, Math.round(at + pauseMs - clock.monotonic()));
    const fields = {schedule, occurrence, attempt, code};
    if (!closing.aborted) {
      log.warn({...fields, afterMs}, 'Did not reach the function: delivered again after a while');
      if (afterMs > 0) await clock.sleep(afterMs, AbortSignal.any([closing, flight.replaced]));
    }
    if (closing.aborted) log.warn(fields, 'Did not reach the function: left to the next start');
    const held = closing.aborted ? undefined : await this.#keeper.renew(flight.held);
    if (held) flight.renew(held);
    else this.#setWaiting(flight, false);
    return held && flight;
  }

  #setWaiting(flight: Flight, waits: boolean): void {
    if (waits) this.#waiting.add(flight);
    else if (!this.#waiting.delete(flight)) return;
    this.#house.meter.scheduleWaits(this.#schedule.name, this.#waiting.size);
  }

  /** Breaks off what runs here, and waits for it to end. */
  async replace(): Promise<void> {
    for (const flight of this.#running.keys()) flight.replace();
    await Promise.all(this.#running.values());
  }

  /** Called when another core was first. */
  noteElsewhere(held: HeldClaim): void {
    this.#elsewhere.set(held.claim.invocationId, held);
  }

  /** Does something that launches, unless an occurrence still runs or waits for its turn. @returns undefined then */
  async alone<T>(act: () => Promise<T>): Promise<T | undefined> {
    await this.#forgetSettled();
    if (this.#running.size > 0 || this.#queued > 0 || this.#elsewhere.size > 0 || this.#isTaken) return undefined;
    this.#isTaken = true;
    try {
      return await act();
    } finally {
      this.#isTaken = false;
    }
  }

  async #forgetSettled(): Promise<void> {
    for (const [id, held] of this.#elsewhere) {
      if ((await this.#keeper.isSettled(held)) || !(await this.#house.cores.isAlive(held.claim.core))) this.#elsewhere.delete(id);
    }
  }

  /** Stops launching. Resolves when the occurrences that run have ended. */
  async close(): Promise<void> {
    this.#closing.abort();
    while (this.#running.size > 0 || this.#queued > 0) await Promise.all([this.#queue, ...this.#running.values()]);
  }
}
