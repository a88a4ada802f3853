import type {Calendar} from './calendar.ts';

/** What a schedule has to do now. */
export type Step =
  | {readonly kind: 'wait'; readonly ms: number}
  /** The occurrence is due, or was a moment ago. */
  | {readonly kind: 'fire'; readonly occurrence: number; readonly lateMs: number}
  /** Occurrences after one instant and until another passed by while nobody looked. */
  | {readonly kind: 'lost'; readonly after: number; readonly until: number};

/** An occurrence that is late by no more than this is fired as if it were on time. It is longer than the longest sleep of the trigger. */
export const punctualMs = 30_000;
/** Walks that are remembered: a new one begins each time that the wall clock leaps. */
const mostWalks = 100;

/**
Decides what a schedule does next, by the wall clock alone. It remembers which occurrences it has walked past. So a clock
that is set back brings none of them again, and a clock that is set right after a leap forward loses none.
*/
export class Course {
  readonly #calendar: Calendar;
  readonly #delayOf: (occurrence: number) => number;
  /** The longest delay of any occurrence. */
  readonly #longestMs: number;
  /** Every occurrence up to here was fired or given up. */
  #cursor: number;
  #seen: number;
  /** When the newest occurrence that was fired was due. Those after it are not due before that. */
  #free = Number.NEGATIVE_INFINITY;
  /** The end of the newest walk that was passed over, as its occurrences had been fired. It may lie ahead. */
  #held = Number.NEGATIVE_INFINITY;
  /** Each walk goes from the first to the last occurrence that was fired without a leap of the clock between them. */
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

  /** @param patienceMs how late an occurrence may be and still be fired as if it were on time */
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

  /** The time until which occurrences are passed over, as they were fired before the clock was set back; undefined when none are. */
  heldUntil(now: number): number | undefined {
    return this.#held > now ? this.#held : undefined;
  }

  /** Occurrences keep their order, however their delays fall. */
  #dueOf(occurrence: number): number {
    return Math.max(occurrence + this.#delayOf(occurrence), this.#free);
  }

  /** The last occurrence in a row that was due before an instant. Because of their delays, a later one may still be to come. */
  #lostUntil(occurrence: number, before: number): number {
    let until = Math.max(occurrence, before - this.#longestMs);
    for (let next = this.#calendar.next(until); next !== undefined && this.#dueOf(next) < before; next = this.#calendar.next(next))
      until = next;
    return until;
  }

  /** Called when a step was taken. @param caughtUp lost occurrences that were fired after all, oldest first */
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
