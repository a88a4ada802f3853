import type {ClaimingHouse} from '../../src/trigger.ts';
import type {HeldClaim} from './claim.ts';
import type {Claims, Taken} from './claims.ts';
import type {Flight} from './flight.ts';
import type {Flights} from './flights.ts';
import type {HandOn} from './hand-on.ts';
import type {Insist} from './insist.ts';
import {jitterOf} from './jitter.ts';
import type {Schedule} from './schedule.ts';

/** The longest sleep: after it, a wall clock that was set is noticed. */
export const sliceMs = 10_000;
/** How often an occurrence is delivered when each core that delivers it ends before the occurrence does. */
const mostAttempts = 8;

export interface SuccessionHouse {
  readonly house: ClaimingHouse;
  readonly claims: Claims;
  readonly insist: Insist;
  readonly closing: AbortSignal;
  readonly flights: Pick<Flights, 'enqueue' | 'noteElsewhere'>;
  /** Where its occurrences go; undefined when the schedule itself delivers them. */
  readonly handOn: HandOn | undefined;
  /** @param dueAt when it was due, on the monotonic clock, for one whose delay is measured */
  flightOf(held: HeldClaim, dueAt?: number): Flight;
  mind(work: Promise<unknown>): void;
}

/** Takes over an occurrence when the attempt of a claim has ended without result, in another core, before this start or in this one. */
export class Succession {
  readonly #schedule: Schedule;
  readonly #options: SuccessionHouse;
  /** Those that work is to have, one after another: there may be as many as work may hold. */
  #handing: Promise<unknown> = Promise.resolve();

  constructor(schedule: Schedule, options: SuccessionHouse) {
    this.#schedule = schedule;
    this.#options = options;
  }

  /** Delivers unsettled occurrences again, the oldest first. One that was fired before its time is delivered when its time comes. */
  async takeUp(unsettled: readonly HeldClaim[], startedAt: number): Promise<void> {
    const {house, closing} = this.#options;
    // By hand, people may fire an occurrence of any time.
    const isEarly = ({claim}: HeldClaim) => claim.manual !== true && Date.parse(claim.occurrence) > startedAt;
    for (const held of unsettled) if (!isEarly(held)) this.leave({by: held});
    for (const held of unsettled.filter(isEarly)) {
      const leftMs = () => Date.parse(held.claim.occurrence) - house.clock.now();
      while (leftMs() > 0) if (!(await house.clock.sleep(Math.min(leftMs(), sliceMs), closing))) return;
      this.leave({by: held});
    }
  }

  /** Leaves an occurrence to the core that has it. If that core ends before it has settled it, this core takes over. */
  leave({by}: Extract<Taken, {by: unknown}>): void {
    const {house, flights, handOn, mind} = this.#options;
    if (!by || by.claim.core === house.core) return;
    if (handOn && by.claim.delivery === 'work') {
      handOn.note(by.claim);
      this.#handing = this.#handing.then(() => this.#handOnAfter(by, handOn));
      mind(this.#handing);
      return;
    }
    if (this.#schedule.overlap === 'forbid') flights.noteElsewhere(by);
    mind(this.#outlive(by));
  }

  /** Delivers an occurrence again that another core claimed, once that core has ended and it is not settled. */
  async #outlive(held: HeldClaim): Promise<void> {
    const {flights, insist} = this.#options;
    while (await insist(() => this.#isElsewhere(held))) if (!(await this.#sleep())) return;
    // It is claimed only when its turn comes, so that an attempt that a killed core never began does not count.
    await flights.enqueue(() => insist(() => this.#takeOver(held)));
  }

  /** Hands on what a core has claimed, once that core has ended, unless it did so itself. */
  async #handOnAfter(held: HeldClaim, handOn: HandOn): Promise<void> {
    const {house, claims, insist} = this.#options;
    const isElsewhere = async ({claim}: HeldClaim) => (await house.cores.isAlive(claim.core)) && !(await claims.isBegun(claim));
    while (await insist(() => isElsewhere(held))) if (!(await this.#sleep())) return;
    await handOn.give(held, true);
  }

  async #isElsewhere({claim}: HeldClaim): Promise<boolean> {
    const {house, claims} = this.#options;
    return (await house.cores.isAlive(claim.core)) && !(await claims.isSettled(claim));
  }

  /** Until that core may have ended. @returns false when this one ends first */
  #sleep(): Promise<boolean> {
    const {house, closing} = this.#options;
    return house.clock.sleep(house.cores.leaseMs / 2, closing);
  }

  /** @returns undefined when it is over, was given up, is with work, or belongs to another core */
  async #takeOver(held: HeldClaim): Promise<Flight | undefined> {
    const {house, claims, flightOf} = this.#options;
    if (await claims.isSettled(held.claim)) return undefined;
    if (held.claim.delivery === 'work' && (await claims.isBegun(held.claim))) return undefined;
    const {clock, log} = house;
    const {name, jitterMs} = this.#schedule;
    const {occurrence, attempt, manual} = held.claim;
    const unreached = await claims.unreached(held.claim);
    if (attempt - unreached >= mostAttempts) {
      await this.giveUp(held, {attempts: attempt}, 'Given up: no core lived to see the end');
      return undefined;
    }
    const taken = await claims.takeOver(held);
    if (!('held' in taken)) {
      this.leave(taken);
      return undefined;
    }
    const isUnreached = unreached >= attempt;
    const why = isUnreached ? 'it did not reach the function before' : 'its core did not live to see the end';
    log.warn({schedule: name, occurrence, attempt: attempt + 1}, `Delivered again: ${why}`);
    const due = Date.parse(occurrence) + jitterOf(name, jitterMs, Date.parse(occurrence));
    const lateMs = Math.max(0, clock.now() - due);
    return flightOf(taken.held, isUnreached && !manual ? clock.monotonic() - lateMs : undefined);
  }

  /** Claims an occurrence that did not reach the function for one more attempt. */
  async renew(held: HeldClaim): Promise<HeldClaim | undefined> {
    const taken = await this.#options.claims.takeAgain(held);
    if (taken && 'held' in taken) return taken.held;
    if (taken) this.leave(taken);
    return undefined;
  }

  /** Notes that it is not delivered again. @param why for the log */
  async giveUp(held: HeldClaim, why: object, message: string): Promise<void> {
    const {house, claims} = this.#options;
    const {name: schedule, occurrence} = held.claim;
    if (!(await claims.giveUp(held))) return;
    house.meter.scheduleMissed(schedule, 'given-up', 1);
    house.log.error({schedule, occurrence, ...why}, message);
  }
}
