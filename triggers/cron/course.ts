import type {Calendar} from './calendar.ts';

/** What a schedule has to do now. */
export type Step =
  | {readonly kind: 'wait'; readonly ms: number}
  /** The occurrence is due, or was a moment ago. */
  | {readonly kind: 'fire'; readonly occurrence: number; readonly lateMs: number}
  /** Occurrences after one instant and until another passed by while nobody looked. */
  | {readonly kind: 'lost'; readonly after: number; readonly until: number};

/** An occurrence that is found due within this time is simply fired; longer than the slices that the trigger sleeps in. */
export const punctualMs = 30_000;
/** Times that a wall clock was set forward and then back; more are not remembered one by one. */
const mostWalks = 100;

/**
Where a schedule stands. It decides from the wall clock alone and remembers which occurrences it has walked, so that a
clock that is set back brings none of them again, and one that is set right again after a leap forward loses none.
*/
export class Course {
  readonly #calendar: Calendar;
  readonly #delayOf: (occurrence: number) => number;
  /** No delay is longer. */
  readonly #longestMs: number;
  /** Everything until here was walked or is given up. */
  #cursor: number;
  #seen: number;
  /** When the newest one that was fired was due: those behind it in the order could not be looked at before. */
  #free = Number.NEGATIVE_INFINITY;
  /** The end of what was walked already and lies ahead, when that was passed over. */
  #held = Number.NEGATIVE_INFINITY;
  /** Stretches from the first to the last occurrence that was walked without a leap. */
  #walks: {readonly from: number; to: number}[];

  /** @param delay of an occurrence, and the longest of all */
  constructor(calendar: Calendar, delay: {of(occurrence: number): number; readonly longestMs: number}, after: number, now: number) {
    this.#calendar = calendar;
    this.#delayOf = delay.of;
    this.#longestMs = delay.longestMs;
    this.#cursor = after;
    this.#seen = now;
    // If the clock is set back a little, these come again; the core that ran before has fired them.
    this.#walks = [{from: after - punctualMs, to: after}];
  }

  /** @param patienceMs how late an occurrence may be and still be simply fired */
  at(now: number, patienceMs = punctualMs): Step {
    if (now < this.#seen) {
      this.#cursor = Math.min(this.#cursor, now - 1);
      this.#free = Math.min(this.#free, now);
    }
    this.#seen = now;
    for (;;) {
      const occurrence = this.#calendar.next(this.#cursor);
      if (occurrence === undefined) return {kind: 'wait', ms: Number.POSITIVE_INFINITY};
      const walk = this.#walks.find(({from, to}) => from <= occurrence && occurrence <= to);
      if (walk) {
        this.#held = walk.to;
        this.#cursor = walk.to;
        continue;
      }
      const lateMs = now - this.#dueOf(occurrence);
      if (lateMs < 0) return {kind: 'wait', ms: -lateMs};
      if (lateMs <= patienceMs) return {kind: 'fire', occurrence, lateMs};
      return {kind: 'lost', after: this.#cursor, until: this.#lostUntil(occurrence, now - patienceMs)};
    }
  }

  /** Until when nothing is fired, as it was before the clock was set back; undefined when nothing is passed over. */
  heldUntil(now: number): number | undefined {
    return this.#held > now ? this.#held : undefined;
  }

  /** Occurrences keep their order, however their delays fall. */
  #dueOf(occurrence: number): number {
    return Math.max(occurrence + this.#delayOf(occurrence), this.#free);
  }

  /** The end of what was due before an instant, from one such occurrence on: a later one may still be to come. */
  #lostUntil(occurrence: number, before: number): number {
    let until = Math.max(occurrence, before - this.#longestMs);
    for (let next = this.#calendar.next(until); next !== undefined && this.#dueOf(next) < before; next = this.#calendar.next(next))
      until = next;
    return until;
  }

  /** Tells that a step was taken. @param caughtUp of what was lost: fired after all, oldest first */
  took(step: Step, caughtUp: readonly number[] = []): void {
    if (step.kind === 'lost') {
      const [from = step.until] = caughtUp;
      if (caughtUp.length > 0) this.#remember({from, to: caughtUp.at(-1) ?? from});
      this.#cursor = step.until;
    }
    if (step.kind !== 'fire') return;
    this.#free = this.#dueOf(step.occurrence);
    const walk = this.#walks.find(({to}) => to === this.#cursor);
    if (walk) walk.to = step.occurrence;
    else this.#remember({from: step.occurrence, to: step.occurrence});
    this.#cursor = step.occurrence;
  }

  #remember(walk: {readonly from: number; to: number}): void {
    this.#walks = [...this.#walks, walk].slice(-mostWalks);
  }
}
