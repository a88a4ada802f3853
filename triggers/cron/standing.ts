import {isoStamp} from '../../src/clock.ts';
import type {House} from '../../src/trigger.ts';
import type {HeldClaim} from './claim.ts';
import type {Ahead} from './history.ts';
import {isoOccurrence} from './occurrence.ts';

/** Clocks often differ by less than this, so no line is logged for it. */
const usualMs = 60_000;

/**
Reports the state of a schedule, in the log and in metrics, so that people see when a schedule does not fire. Occurrences that
were fired before their time, by a clock that was ahead, are passed over when they come: the schedule is held.
*/
export class Standing {
  readonly #schedule: string;
  readonly #house: Pick<House, 'log' | 'meter'>;
  #ahead: Ahead | undefined;
  #isHeld = false;
  /** The end of the stretch that was logged last. */
  #loggedUntil = Number.NEGATIVE_INFINITY;

  constructor(schedule: string, house: Pick<House, 'log' | 'meter'>) {
    this.#schedule = schedule;
    this.#house = house;
    house.meter.scheduleHeld(schedule, false);
    for (const reason of ['down', 'late', 'overlap', 'given-up'] as const) house.meter.scheduleMissed(schedule, reason, 0);
  }

  /** @param ahead occurrences to come that the journal has as fired; undefined when it has none */
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

  /** @param until the end of the occurrences that this core fired before its clock was set back; undefined when it was not */
  walked(until: number | undefined, now: number): void {
    if (until === undefined || until - now < usualMs) return;
    this.#hold();
    if (until === this.#loggedUntil) return;
    this.#loggedUntil = until;
    this.#house.log.warn(
      {schedule: this.#schedule, until: isoOccurrence(until)},
      'The clock was set back: the occurrences until then were fired already and are passed over',
    );
  }

  /** Called when an occurrence comes that was fired already. */
  passedOver(occurrence: number, by: HeldClaim | undefined): void {
    if (!by || !this.#ahead || occurrence < this.#ahead.first || occurrence > this.#ahead.last) return;
    const isLogged = this.#isHeld;
    this.#hold();
    if (isLogged) return;
    this.#house.log.warn(
      {schedule: this.#schedule, occurrence: isoOccurrence(occurrence), firedAt: isoStamp(by.at), until: isoOccurrence(this.#ahead.last)},
      'Passed over: it was fired before its time',
    );
  }

  /** Called when an occurrence was fired: from now on nothing is passed over. */
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
