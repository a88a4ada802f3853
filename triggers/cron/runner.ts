import type {ClaimingHouse} from '../../src/trigger.ts';
import {closed, launchByHand} from './by-hand.ts';
import type {Calendar} from './calendar.ts';
import type {HeldClaim} from './claim.ts';
import {Claims} from './claims.ts';
import {Course, type Step} from './course.ts';
import {Flight} from './flight.ts';
import {Flights} from './flights.ts';
import {HandOn} from './hand-on.ts';
import {type Insist, insistence} from './insist.ts';
import {jitterOf} from './jitter.ts';
import {lostBetween} from './lost.ts';
import {isoOccurrence} from './occurrence.ts';
import {SchedulePause} from './pause.ts';
import type {Schedule} from './schedule.ts';
import type {FireOutcome} from './schedules.ts';
import {Standing} from './standing.ts';
import {Succession, sliceMs} from './succession.ts';

/** Fires one schedule until it is closed. */
export class Runner {
  readonly #schedule: Schedule;
  readonly #calendar: Calendar;
  readonly #house: ClaimingHouse;
  readonly #claims: Claims;
  /** Whether it is paused: then it fires only by hand. */
  readonly pause: SchedulePause;
  readonly #flights: Flights;
  readonly #insist: Insist;
  readonly #standing: Standing;
  readonly #succession: Succession;
  /** Where its occurrences go; undefined when it delivers them itself. */
  readonly handOn: HandOn | undefined;
  readonly #closing = new AbortController();
  readonly #work = new Set<Promise<unknown>>();

  constructor(schedule: Schedule, calendar: Calendar, house: ClaimingHouse) {
    this.#schedule = schedule;
    this.#calendar = calendar;
    this.#house = house;
    this.#claims = new Claims(house, schedule);
    this.pause = new SchedulePause(schedule.name, house);
    this.#standing = new Standing(schedule.name, house);
    this.#insist = insistence(schedule.name, this.#closing.signal, house);
    this.#flights = new Flights(schedule, house, {
      renew: held => this.#insist(() => this.#succession.renew(held)),
      giveUp: async (held, {code}) => {
        await this.#insist(() =>
          this.#succession.giveUp(held, {code}, 'Given up: it did not reach the function, and may not wait any longer'),
        );
      },
      isSettled: ({claim}) => this.#claims.isSettled(claim),
    });
    const parts = {house, claims: this.#claims, insist: this.#insist, closing: this.#closing.signal};
    this.handOn = house.hall && schedule.delivery === 'work' ? new HandOn(schedule, {...parts, hall: house.hall}) : undefined;
    this.#succession = new Succession(schedule, {
      ...parts,
      flights: this.#flights,
      handOn: this.handOn,
      flightOf: (held, dueAt) => this.#flight(held, dueAt),
      mind: work => this.#mind(work),
    });
    this.#mind(this.#run());
  }

  /** Fires by hand, and waits for the end. */
  async fire(at = this.#house.clock.now()): Promise<FireOutcome> {
    const {name, overlap} = this.#schedule;
    if (this.#closing.signal.aborted) return closed;
    const run = (held: HeldClaim) => this.#flights.launch(this.#flight(held));
    const launch = () => launchByHand(name, at, this.#claims, this.handOn ?? run, work => this.#mind(work));
    const launched = overlap === 'forbid' ? await this.#alone(launch) : await launch();
    if (!launched) return {why: 'conflict', refused: `an earlier occurrence of ${name} is still running`};
    return 'refused' in launched ? launched : launched.outcome;
  }

  /** Stops firing. Resolves when the occurrences that run have ended. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#flights.close();
    while (this.#work.size > 0) await Promise.all(this.#work);
  }

  async #run(): Promise<void> {
    const {clock} = this.#house;
    const {name, jitterMs} = this.#schedule;
    const closing = this.#closing.signal;
    const startedAt = clock.now();
    this.#standing.next(this.#calendar.next(startedAt));
    const history = await this.#insist(() => this.#claims.history(startedAt));
    const pause = history && (await this.#insist(() => this.pause.read()));
    if (!pause) return;
    if (pause.isPaused) this.#house.log.warn({schedule: name}, 'It is paused, since before this start: it fires only by hand');
    this.#standing.starts(history.ahead, startedAt);
    this.#mind(this.#succession.takeUp(history.unsettled, startedAt));
    const delay = {of: (at: number) => jitterOf(name, jitterMs, at), longestMs: jitterMs};
    // What fell into a pause is not missed.
    const free = pause.isPaused ? startedAt : Math.min(pause.since ?? Number.NEGATIVE_INFINITY, startedAt);
    const course = new Course(this.#calendar, delay, Math.max(history.newest ?? startedAt, free), startedAt);
    // What was due before the start was lost, even if that was only a moment before.
    let now = startedAt;
    for (let step = course.at(now, 0); !closing.aborted; now = clock.now(), step = course.at(now)) {
      this.#reportStanding(step, course, now);
      if (step.kind === 'wait') {
        await this.#insist(() => this.pause.renew());
        await clock.sleep(Math.min(step.ms, sliceMs), closing);
        continue;
      }
      const todo = step;
      const caughtUp = await this.#insist(async () => {
        const left = await this.pause.left(todo);
        if (!left) return [];
        return left.kind === 'fire' ? this.#onTime(left) : this.#afterwards(left, startedAt);
      });
      if (caughtUp) course.took(step, caughtUp);
    }
  }

  #reportStanding(step: Step, course: Course, now: number): void {
    if (step.kind === 'wait') this.#standing.next(Number.isFinite(step.ms) ? now + step.ms : undefined);
    if (step.kind === 'fire') this.#standing.next(now - step.lateMs);
    this.#standing.walked(course.heldUntil(now), now);
  }

  /** Called when an occurrence is due: one core runs it, unless an earlier one is in the way. */
  async #onTime(step: FireStep): Promise<readonly never[]> {
    const {occurrence} = step;
    const {name, overlap} = this.#schedule;
    const launch = () => this.#launchOnTime(step);
    if (overlap !== 'forbid') return launch();
    const launched = await this.#alone(launch);
    if (launched) return launched;
    if (await this.#claims.miss({count: 1, reason: 'overlap'}, occurrence, occurrence)) {
      this.#house.meter.scheduleMissed(name, 'overlap', 1);
      this.#house.log.warn({schedule: name, occurrence: isoOccurrence(occurrence)}, 'Skipped: an earlier occurrence still runs');
    }
    return [];
  }

  async #launchOnTime({occurrence, lateMs}: FireStep): Promise<readonly never[]> {
    const dueAt = this.#house.clock.monotonic() - lateMs;
    const taken = await this.#claims.take(occurrence);
    if ('held' in taken) {
      this.#standing.fired();
      const flight = this.#flight(taken.held, dueAt);
      if (!this.handOn) this.#mind(this.#flights.launch(flight));
      else if (await this.handOn.give(taken.held)) flight.called(this.#house.clock.monotonic());
    } else {
      this.#standing.passedOver(occurrence, taken.by);
      if (this.#schedule.overlap === 'replace') this.#mind((this.handOn ?? this.#flights).replace()); // the earlier ones
      this.#succession.leave(taken);
    }
    return [];
  }

  /** Launches, unless an earlier occurrence is not over. @returns undefined then */
  async #alone<T>(launch: () => Promise<T>): Promise<T | undefined> {
    return (await this.handOn?.isBusy()) ? undefined : this.#flights.alone(launch);
  }

  /** @param dueAt when it was due, on the monotonic clock, for one whose delay is measured */
  #flight(held: HeldClaim, dueAt?: number): Flight {
    const {clock, meter} = this.#house;
    const called = dueAt === undefined ? undefined : (now: number) => meter.scheduleFired(this.#schedule.name, (now - dueAt) / 1000);
    return new Flight(held, clock.monotonic(), called);
  }

  /** Called when occurrences passed by: runs the newest if the schedule says so, and notes the others. @returns those that are run */
  async #afterwards({after, until}: LostStep, startedAt: number): Promise<readonly number[]> {
    const {name, catchUp} = this.#schedule;
    const {newest, count, isCounted, first} = lostBetween(this.#calendar, after, until, catchUp + 1);
    const caughtUp = newest.slice(Math.max(0, newest.length - catchUp));
    const last = newest.at(-1 - caughtUp.length);
    if (first !== undefined && last !== undefined) {
      const missed = {count: count - caughtUp.length, ...(!isCounted && {more: true as const})};
      const reason = until <= startedAt ? 'down' : 'late';
      if (await this.#claims.miss({...missed, reason}, first, last)) {
        const fields = {schedule: name, first: isoOccurrence(first), last: isoOccurrence(last), ...missed, reason};
        this.#house.meter.scheduleMissed(name, reason, missed.count);
        this.#house.log.warn(fields, 'Occurrences were missed');
      }
    }
    for (const occurrence of caughtUp) {
      const taken = await this.#claims.take(occurrence);
      if ('held' in taken && this.handOn) await this.handOn.give(taken.held, true);
      else if ('held' in taken) void this.#flights.enqueue(async () => this.#flight(taken.held));
      else this.#succession.leave(taken);
    }
    return caughtUp;
  }

  /** Keeps work in mind until it is over. */
  #mind(work: Promise<unknown>): void {
    const minded = work.finally(() => this.#work.delete(minded));
    this.#work.add(minded);
  }
}

type FireStep = Extract<Step, {kind: 'fire'}>;
type LostStep = Extract<Step, {kind: 'lost'}>;
