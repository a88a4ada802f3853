import type {FireOutcome, House} from '../../src/trigger.ts';
import type {Calendar} from './calendar.ts';
import {type Claim, Claims, type HeldClaim, type Taken} from './claims.ts';
import {Course, type Step} from './course.ts';
import {Flights} from './flights.ts';
import {jitterOf} from './jitter.ts';
import {lostBetween} from './lost.ts';
import {isoOccurrence} from './occurrence.ts';
import type {Schedule} from './schedule.ts';

/** The longest sleep: that the wall clock was set is noticed after it. */
const sliceMs = 10_000;
/** How often an occurrence is delivered whose core does not live to see its end. */
const mostAttempts = 8;
/** How long the journal is left alone after it failed. */
const pauseMs = {first: 1000, most: 30_000};

/** Fires one schedule until it is closed. */
export class Runner {
  readonly #schedule: Schedule;
  readonly #calendar: Calendar;
  readonly #house: House;
  readonly #claims: Claims;
  readonly #flights: Flights;
  readonly #closing = new AbortController();
  readonly #work = new Set<Promise<unknown>>();

  constructor(schedule: Schedule, calendar: Calendar, house: House) {
    this.#schedule = schedule;
    this.#calendar = calendar;
    this.#house = house;
    this.#claims = new Claims(house.journal, house.core, schedule);
    this.#flights = new Flights(schedule, house, this.#claims);
    this.#mind(this.#run());
  }

  /** Fires by hand, and waits for the end. */
  async fire(at = this.#house.clock.now()): Promise<FireOutcome> {
    const {name, overlap} = this.#schedule;
    if (this.#closing.signal.aborted) return closed;
    const launch = () => this.#launchByHand(at);
    const launched = overlap === 'forbid' ? await this.#flights.alone(launch) : await launch();
    if (!launched) return {why: 'conflict', refused: `an earlier occurrence of ${name} is still running`};
    return 'refused' in launched ? launched : launched.outcome;
  }

  async #launchByHand(at: number): Promise<{readonly outcome: Promise<FireOutcome>} | Refusal> {
    const {name: schedule} = this.#schedule;
    const taken = await this.#claims.take(at, {manual: true});
    if (!('claim' in taken)) {
      return {
        why: 'conflict',
        refused: `${isoOccurrence(at)} of ${schedule} was already fired, as invocation ${taken.by?.claim.invocationId}`,
      };
    }
    const {occurrence, invocationId} = taken.claim;
    const flight = this.#flights.launch(taken.claim);
    return {
      outcome: flight.then(result => {
        if (!result) return closed;
        return {schedule, occurrence, invocationId, status: result.status, ...(result.fault && {error: result.fault.message})};
      }),
    };
  }

  /** Nothing is fired after this call; it is over when what runs is. */
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
    const history = await this.#insist(() => this.#claims.history());
    if (!history) return;
    for (const held of history.unsettled) this.#leave({by: held});
    const delay = {of: (at: number) => jitterOf(name, jitterMs, at), longestMs: jitterMs};
    const course = new Course(this.#calendar, delay, history.newest ?? startedAt, startedAt);
    // What was due before the start was lost, however short before.
    for (let step = course.at(startedAt, 0); !closing.aborted; step = course.at(clock.now())) {
      if (step.kind === 'wait') {
        await clock.sleep(Math.min(step.ms, sliceMs), closing);
        continue;
      }
      const todo = step;
      const isDone = await this.#insist(() => (todo.kind === 'fire' ? this.#onTime(todo) : this.#afterwards(todo, startedAt)));
      if (isDone) course.took(step);
    }
  }

  /** An occurrence is due: one core runs it, unless an earlier one is in the way. */
  async #onTime(step: FireStep): Promise<true> {
    const {occurrence} = step;
    const {name, overlap} = this.#schedule;
    const launch = () => this.#launchOnTime(step);
    if (overlap !== 'forbid') return launch();
    if (await this.#flights.alone(launch)) return true;
    const isNoted = await this.#claims.miss({count: 1, reason: 'overlap'}, occurrence, occurrence);
    if (isNoted) this.#house.log.warn({schedule: name, occurrence: isoOccurrence(occurrence)}, 'Skipped: an earlier occurrence still runs');
    return true;
  }

  async #launchOnTime({occurrence, lateMs}: FireStep): Promise<true> {
    const {name, overlap} = this.#schedule;
    const {clock, meter} = this.#house;
    const foundAt = clock.monotonic();
    const taken = await this.#claims.take(occurrence);
    if ('claim' in taken) {
      meter.scheduleFired(name, (lateMs + clock.monotonic() - foundAt) / 1000);
      this.#mind(this.#flights.launch(taken.claim));
    } else {
      this.#leave(taken);
      if (overlap === 'replace') this.#mind(this.#flights.replace());
    }
    return true;
  }

  /** Occurrences passed by: the newest are run if the schedule wants that, the others are noted. */
  async #afterwards({after, until}: LostStep, startedAt: number): Promise<true> {
    const {name, catchUp} = this.#schedule;
    const {newest, count, isCounted, first} = lostBetween(this.#calendar, after, until, catchUp + 1);
    const caughtUp = newest.slice(Math.max(0, newest.length - catchUp));
    const last = newest.at(-1 - caughtUp.length);
    if (first !== undefined && last !== undefined) {
      const missed = {count: count - caughtUp.length, ...(!isCounted && {more: true as const})};
      const reason = until <= startedAt ? 'down' : 'late';
      const isNoted = await this.#claims.miss({...missed, reason}, first, last);
      const fields = {schedule: name, first: isoOccurrence(first), last: isoOccurrence(last), ...missed, reason};
      if (isNoted) this.#house.log.warn(fields, 'Occurrences were missed');
    }
    for (const occurrence of caughtUp) {
      const taken = await this.#claims.take(occurrence);
      if ('claim' in taken) this.#mind(this.#flights.enqueue(async () => taken.claim));
      else this.#leave(taken);
    }
    return true;
  }

  /** Another core has it. Should that one not live to settle it, this one will. */
  #leave({by}: Extract<Taken, {by: unknown}>): void {
    if (!by || by.claim.core === this.#house.core) return;
    if (this.#schedule.overlap === 'forbid') this.#flights.noteElsewhere(by);
    this.#mind(this.#outlive(by));
  }

  /** Delivers again what another core claimed, once that one must be over and has not settled it. */
  async #outlive(held: HeldClaim): Promise<void> {
    const {clock, leaseMs} = this.#house;
    const waitMs = held.at + leaseMs - clock.now();
    if (leaseMs > 0 && waitMs > 0 && !(await clock.sleep(waitMs, this.#closing.signal))) return;
    // Claimed in its turn: an attempt that a killed core never came to is none.
    await this.#flights.enqueue(() => this.#insist(() => this.#takeOver(held)));
  }

  /** @returns undefined when it is over, given up, or somebody else's */
  async #takeOver(held: HeldClaim): Promise<Claim | undefined> {
    if (await this.#claims.isSettled(held.claim)) return undefined;
    const {log} = this.#house;
    const {name: schedule, occurrence, attempt} = held.claim;
    if (attempt >= mostAttempts) {
      if (await this.#claims.giveUp(held)) log.error({schedule, occurrence, attempts: attempt}, 'Given up: no core lived to see the end');
      return undefined;
    }
    const taken = await this.#claims.takeOver(held);
    if ('claim' in taken) log.warn({schedule, occurrence, attempt: attempt + 1}, 'Delivered again: its core did not live to see the end');
    else this.#leave(taken);
    return 'claim' in taken ? taken.claim : undefined;
  }

  /** Does what needs the journal, again and again until it succeeds. @returns undefined when the runner is closed */
  async #insist<T>(act: () => Promise<T>): Promise<T | undefined> {
    const {clock, log} = this.#house;
    for (let pause = pauseMs.first; !this.#closing.signal.aborted; pause = Math.min(2 * pause, pauseMs.most)) {
      try {
        return await act();
      } catch (error) {
        log.error({schedule: this.#schedule.name, cause: (error as Error).message}, 'The journal failed a schedule; trying again');
        await clock.sleep(pause, this.#closing.signal);
      }
    }
    return undefined;
  }

  /** Keeps work in mind until it is over. */
  #mind(work: Promise<unknown>): void {
    const minded = work.finally(() => this.#work.delete(minded));
    this.#work.add(minded);
  }
}

type FireStep = Extract<Step, {kind: 'fire'}>;
type LostStep = Extract<Step, {kind: 'lost'}>;
type Refusal = Extract<FireOutcome, {refused: string}>;

const closed: Refusal = {why: 'conflict', refused: 'the runtime is shutting down'};
