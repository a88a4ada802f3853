import type {FireOutcome, House} from '../../src/trigger.ts';
import type {Calendar} from './calendar.ts';
import {Claims, type HeldClaim, type Taken} from './claims.ts';
import {Course, type Step} from './course.ts';
import {Flight} from './flight.ts';
import {Flights} from './flights.ts';
import {type Insist, insistence} from './insist.ts';
import {jitterOf} from './jitter.ts';
import {lostBetween} from './lost.ts';
import {isoOccurrence} from './occurrence.ts';
import type {Schedule} from './schedule.ts';

/** The longest sleep: that the wall clock was set is noticed after it. */
const sliceMs = 10_000;
/** How often an occurrence is delivered whose core does not live to see its end. */
const mostAttempts = 8;

/** Fires one schedule until it is closed. */
export class Runner {
  readonly #schedule: Schedule;
  readonly #calendar: Calendar;
  readonly #house: House;
  readonly #claims: Claims;
  readonly #flights: Flights;
  readonly #insist: Insist;
  readonly #closing = new AbortController();
  readonly #work = new Set<Promise<unknown>>();

  constructor(schedule: Schedule, calendar: Calendar, house: House) {
    this.#schedule = schedule;
    this.#calendar = calendar;
    this.#house = house;
    this.#claims = new Claims(house, schedule);
    this.#insist = insistence(schedule.name, this.#closing.signal, house);
    this.#flights = new Flights(schedule, house, {
      renew: held => this.#insist(() => this.#renew(held)),
      giveUp: async (held, {code}) => {
        await this.#insist(() => this.#giveUp(held, {code}, 'Given up: it did not reach the function, and may not wait any longer'));
      },
      isSettled: ({claim}) => this.#claims.isSettled(claim),
    });
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
    if (!('held' in taken)) {
      return {
        why: 'conflict',
        refused: `${isoOccurrence(at)} of ${schedule} was already fired, as invocation ${taken.by?.claim.invocationId}`,
      };
    }
    const {occurrence, invocationId} = taken.held.claim;
    const flight = this.#flights.launch(this.#flight(taken.held));
    return {
      outcome: flight.then(landed => {
        if (!landed) return closed;
        const {result, waits} = landed;
        const error = result.fault && {error: result.fault.message};
        return {schedule, occurrence, invocationId, status: result.status, ...error, ...(waits && {waits: true as const})};
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
    const history = await this.#insist(() => this.#claims.history(startedAt));
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
    const dueAt = this.#house.clock.monotonic() - lateMs;
    const taken = await this.#claims.take(occurrence);
    if ('held' in taken) this.#mind(this.#flights.launch(this.#flight(taken.held, dueAt)));
    else {
      this.#leave(taken);
      if (this.#schedule.overlap === 'replace') this.#mind(this.#flights.replace());
    }
    return true;
  }

  /** @param dueAt when it was due, on the monotonic clock, for one whose delay is measured */
  #flight(held: HeldClaim, dueAt?: number): Flight {
    const {clock, meter} = this.#house;
    const called = dueAt === undefined ? undefined : (now: number) => meter.scheduleFired(this.#schedule.name, (now - dueAt) / 1000);
    return new Flight(held, clock.monotonic(), called);
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
      if ('held' in taken) void this.#flights.enqueue(async () => this.#flight(taken.held));
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
    // The clock of that core may have been ahead of ours.
    const waitMs = Math.min(held.at + leaseMs - clock.now(), leaseMs);
    if (waitMs > 0 && !(await clock.sleep(waitMs, this.#closing.signal))) return;
    // Claimed in its turn: an attempt that a killed core never came to is none.
    await this.#flights.enqueue(() => this.#insist(() => this.#takeOver(held)));
  }

  /** @returns undefined when it is over, given up, or somebody else's */
  async #takeOver(held: HeldClaim): Promise<Flight | undefined> {
    if (await this.#claims.isSettled(held.claim)) return undefined;
    const {clock, log} = this.#house;
    const {name, jitterMs} = this.#schedule;
    const {occurrence, attempt, manual} = held.claim;
    const unreached = await this.#claims.unreached(held.claim);
    if (attempt - unreached >= mostAttempts) {
      await this.#giveUp(held, {attempts: attempt}, 'Given up: no core lived to see the end');
      return undefined;
    }
    const taken = await this.#claims.takeOver(held);
    if (!('held' in taken)) {
      this.#leave(taken);
      return undefined;
    }
    const isUnreached = unreached >= attempt;
    const why = isUnreached ? 'it did not reach the function before' : 'its core did not live to see the end';
    log.warn({schedule: name, occurrence, attempt: attempt + 1}, `Delivered again: ${why}`);
    const due = Date.parse(occurrence) + jitterOf(name, jitterMs, Date.parse(occurrence));
    const lateMs = Math.max(0, clock.now() - due);
    return this.#flight(taken.held, isUnreached && !manual ? clock.monotonic() - lateMs : undefined);
  }

  /** Claims for one more attempt what did not reach the function. */
  async #renew(held: HeldClaim): Promise<HeldClaim | undefined> {
    const taken = await this.#claims.takeAgain(held);
    if (taken && 'held' in taken) return taken.held;
    if (taken) this.#leave(taken);
    return undefined;
  }

  async #giveUp(held: HeldClaim, why: object, message: string): Promise<void> {
    const {occurrence} = held.claim;
    if (await this.#claims.giveUp(held)) this.#house.log.error({schedule: this.#schedule.name, occurrence, ...why}, message);
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
