import type {ClaimingHouse} from '../../src/trigger.ts';
import type {Claims, HeldClaim, Taken} from './claims.ts';
import type {Flight} from './flight.ts';
import type {Flights} from './flights.ts';
import type {Insist} from './insist.ts';
import {jitterOf} from './jitter.ts';
import type {Schedule} from './schedule.ts';

/** The longest sleep: that the wall clock was set is noticed after it. */
export const sliceMs = 10_000;
/** How often an occurrence is delivered whose core does not live to see its end. */
const mostAttempts = 8;

export interface SuccessionHouse {
  readonly house: ClaimingHouse;
  readonly claims: Claims;
  readonly insist: Insist;
  readonly closing: AbortSignal;
  readonly flights: Pick<Flights, 'enqueue' | 'noteElsewhere'>;
  /** @param dueAt when it was due, on the monotonic clock, for one whose delay is measured */
  flightOf(held: HeldClaim, dueAt?: number): Flight;
  mind(work: Promise<unknown>): void;
}

/** What becomes of an occurrence after the attempt that a claim stands for: another core's, an earlier start's, or one's own. */
export class Succession {
  readonly #schedule: Schedule;
  readonly #options: SuccessionHouse;

  constructor(schedule: Schedule, options: SuccessionHouse) {
    this.#schedule = schedule;
    this.#options = options;
  }

  /** What is not settled is delivered again, oldest first: what was fired before its time when that comes. */
  async takeUp(unsettled: readonly HeldClaim[], startedAt: number): Promise<void> {
    const {house, closing} = this.#options;
    // Who fires by hand may name any time.
    const isEarly = ({claim}: HeldClaim) => claim.manual !== true && Date.parse(claim.occurrence) > startedAt;
    for (const held of unsettled) if (!isEarly(held)) this.leave({by: held});
    for (const held of unsettled.filter(isEarly)) {
      const leftMs = () => Date.parse(held.claim.occurrence) - house.clock.now();
      while (leftMs() > 0) if (!(await house.clock.sleep(Math.min(leftMs(), sliceMs), closing))) return;
      this.leave({by: held});
    }
  }

  /** Another core has it. Should that one not live to settle it, this one will. */
  leave({by}: Extract<Taken, {by: unknown}>): void {
    const {house, flights, mind} = this.#options;
    if (!by || by.claim.core === house.core) return;
    if (this.#schedule.overlap === 'forbid') flights.noteElsewhere(by);
    mind(this.#outlive(by));
  }

  /** Delivers again what another core claimed, once that one must be over and has not settled it. */
  async #outlive(held: HeldClaim): Promise<void> {
    const {house, flights, insist, closing} = this.#options;
    const {clock, leaseMs} = house;
    // The clock of that core may have been ahead of ours.
    const waitMs = Math.min(held.at + leaseMs - clock.now(), leaseMs);
    if (waitMs > 0 && !(await clock.sleep(waitMs, closing))) return;
    // It is claimed only in its turn: an attempt that a killed core did not get to does not count.
    await flights.enqueue(() => insist(() => this.#takeOver(held)));
  }

  /** @returns undefined when it is over, given up, or somebody else's */
  async #takeOver(held: HeldClaim): Promise<Flight | undefined> {
    const {house, claims, flightOf} = this.#options;
    if (await claims.isSettled(held.claim)) return undefined;
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

  /** Claims for one more attempt what did not reach the function. */
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
