import {isoStamp} from '../../src/clock.ts';
import type {House} from '../../src/trigger.ts';
import type {Ahead, HeldClaim} from './claims.ts';
import {isoOccurrence} from './occurrence.ts';

/** Clocks that differ by less are usual, and nothing to tell. */
const usualMs = 60_000;

/**
Reports where a schedule stands, in the log and in metrics: a schedule that does not fire must be seen. Occurrences that
were fired before their time, by a clock that was ahead, are passed over when they come: the schedule is held.
*/
export class Standing {
  readonly #schedule: string;
  readonly #house: Pick<House, 'log' | 'meter'>;
  #ahead: Ahead | undefined;
  #isHeld = false;
  /** The end of the stretch that was logged last. */
  #toldUntil = Number.NEGATIVE_INFINITY;

  constructor(schedule: string, house: Pick<House, 'log' | 'meter'>) {
    this.#schedule = schedule;
    this.#house = house;
    house.meter.scheduleHeld(schedule, false);
    for (const reason of ['down', 'late', 'overlap', 'given-up'] as const) house.meter.scheduleMissed(schedule, reason, 0);
  }

  /** The journal has occurrences that are still to come. */
  starts(ahead: Ahead | undefined, now: number): void {
    this.#ahead = ahead;
    if (!ahead || ahead.last - now < usualMs) return;
    const {count: occurrences, first, last} = ahead;
    this.#house.log.warn(
      {schedule: this.#schedule, occurrences, first: isoOccurrence(first), last: isoOccurrence(last)},
      'The journal has occurrences that were fired before their time, by a clock that was ahead or somewhere else: they are passed over when they come',
    );
  }

  /** @param at when the next occurrence is due; undefined when no occurrence is left */
  next(at: number | undefined): void {
    this.#house.meter.scheduleNext(this.#schedule, at);
  }

  /** @param until this core has fired the occurrences up to then, before its clock was set back; undefined: none */
  walked(until: number | undefined, now: number): void {
    if (until === undefined || until - now < usualMs) return;
    this.#hold();
    if (until === this.#toldUntil) return;
    this.#toldUntil = until;
    this.#house.log.warn(
      {schedule: this.#schedule, until: isoOccurrence(until)},
      'The clock was set back: the occurrences until then were fired already and are passed over',
    );
  }

  /** An occurrence came that was fired already. */
  passedOver(occurrence: number, by: HeldClaim | undefined): void {
    if (!by || !this.#ahead || occurrence < this.#ahead.first || occurrence > this.#ahead.last) return;
    const isTold = this.#isHeld;
    this.#hold();
    if (isTold) return;
    this.#house.log.warn(
      {schedule: this.#schedule, occurrence: isoOccurrence(occurrence), firedAt: isoStamp(by.at), until: isoOccurrence(this.#ahead.last)},
      'Passed over: it was fired before its time',
    );
  }

  /** An occurrence was fired: nothing is passed over now. */
  fired(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#house.meter.scheduleHeld(this.#schedule, false);
    this.#house.log.info({schedule: this.#schedule}, 'Fires again');
  }

  #hold(): void {
    if (this.#isHeld) return;
    this.#isHeld = true;
    this.#house.meter.scheduleHeld(this.#schedule, true);
  }
}
