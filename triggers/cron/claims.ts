import {randomUUIDv7} from 'node:crypto';
import {type Fact, type FactTypes, isLast} from '../../src/facts.ts';
import {type Position, type Recorded, RevisionConflict} from '../../src/journal.ts';
import type {ClaimingHouse} from '../../src/trigger.ts';
import {isoOccurrence} from './occurrence.ts';
import type {Schedule} from './schedule.ts';

/** What the journal keeps of an occurrence that somebody runs. */
export type Claim = FactTypes['schedule.fired'];

/** A claim of some core, and where it stands. */
export interface HeldClaim {
  readonly claim: Claim;
  readonly position: Position;
  /** Wall time of the claim. */
  readonly at: number;
}

/** `held`: this core runs it. `by`: another core does, with this claim if it is known. */
export type Taken = {readonly held: HeldClaim} | {readonly by: HeldClaim | undefined};

export interface History {
  /** The newest past occurrence of the present rule (fields and zone) that was fired or given up. */
  readonly newest: number | undefined;
  /** Claims whose invocations are not settled, oldest first. */
  readonly unsettled: readonly HeldClaim[];
  /** Occurrences that were fired before their time, by a clock that was ahead or in a journal from elsewhere. */
  readonly ahead: Ahead | undefined;
}

/** Occurrences to come that were fired already. */
export interface Ahead {
  readonly count: number;
  readonly first: number;
  readonly last: number;
}

/** Occurrences whose failed claims are remembered. People may fire any time by hand, so with more the oldest is forgotten. */
const mostTried = 1000;

/**
The occurrences of one schedule in the journal. Each has a stream of its own. The core that begins the stream runs the
occurrence: the journal refuses all others.
*/
export class Claims {
  readonly #house: Pick<ClaimingHouse, 'journal' | 'core' | 'clock'>;
  readonly #schedule: Schedule;
  /** The ids of claims that may or may not be in the journal, by occurrence. */
  readonly #tried = new Map<string, string>();

  constructor(house: Pick<ClaimingHouse, 'journal' | 'core' | 'clock'>, schedule: Schedule) {
    this.#house = house;
    this.#schedule = schedule;
  }

  /**
  Claims an occurrence. One that was only noted as missed can still be claimed. One that was given up, or skipped because an
  earlier one was running, can be claimed only by hand. When this rejects, it may be tried again.
  */
  async take(occurrence: number, {manual = false} = {}): Promise<Taken> {
    const {name, cron, timezone} = this.#schedule;
    const time = isoOccurrence(occurrence);
    const invocationId = this.#idFor(time);
    const fired = {name, occurrence: time, cron, timezone, invocationId, attempt: 1, core: this.#house.core};
    const taken = await this.#takeNew(manual ? {...fired, manual: true} : fired);
    this.#tried.delete(time);
    return taken;
  }

  /** The same id as in the last claim that failed, as the journal may have that claim all the same. */
  #idFor(time: string): string {
    const id = this.#tried.get(time) ?? randomUUIDv7();
    this.#tried.delete(time);
    this.#tried.set(time, id); // as the newest: what is tried again and again stays
    if (this.#tried.size > mostTried) this.#tried.delete(this.#tried.keys().next().value ?? '');
    return id;
  }

  async #takeNew(claim: Claim): Promise<Taken> {
    const {manual = false} = claim;
    const taken = await this.#append(claim, 0);
    if ('held' in taken || taken.by) return taken;
    const noted = await this.#house.journal.last(this.#stream(claim.occurrence));
    const isFree =
      noted?.fact.type === 'schedule.missed' && (manual || noted.fact.data.reason === 'down' || noted.fact.data.reason === 'late');
    return isFree ? this.#append(claim, noted.position) : taken;
  }

  /** Claims an occurrence again when the core that had it ended before it could settle it. */
  async takeOver({claim, position}: HeldClaim): Promise<Taken> {
    return this.#append({...claim, core: this.#house.core, attempt: claim.attempt + 1}, position);
  }

  /**
  Claims an occurrence that did not reach the function for its next attempt. An attempt that never began is made again under
  the same number.

  @returns undefined when it is over
  */
  async takeAgain(held: HeldClaim): Promise<Taken | undefined> {
    const newest = await this.#house.journal.last(`invocation.${held.claim.invocationId}`);
    if (newest && isLast(newest.fact.type)) return undefined;
    const isKept = newest?.fact.type === 'attempt.failed' && newest.fact.data.attempt === held.claim.attempt;
    return isKept ? this.takeOver(held) : {held};
  }

  /** How many attempts did not reach the function. */
  async unreached({invocationId}: Claim): Promise<number> {
    let count = 0;
    for await (const {fact} of this.#house.journal.read(`invocation.${invocationId}`)) {
      if (fact.type === 'attempt.failed' && fact.data.class === 'busy') count++;
    }
    return count;
  }

  /** Notes occurrences that nobody runs; the last one stands for all. */
  async miss(missed: Pick<FactTypes['schedule.missed'], 'count' | 'more' | 'reason'>, first: number, last: number): Promise<boolean> {
    const {name, cron, timezone} = this.#schedule;
    const data = {name, occurrence: isoOccurrence(last), cron, timezone, first: isoOccurrence(first), ...missed};
    return (await this.#begin(data.occurrence, {type: 'schedule.missed', data}, 0)) !== undefined;
  }

  /** Notes that an occurrence is not tried again. */
  async giveUp({claim: {name, occurrence, cron, timezone}, position}: HeldClaim): Promise<boolean> {
    const data = {name, occurrence, cron, timezone, first: occurrence, count: 1, reason: 'given-up'} as const;
    return (await this.#begin(occurrence, {type: 'schedule.missed', data}, position)) !== undefined;
  }

  async isSettled({invocationId}: Claim): Promise<boolean> {
    const newest = await this.#house.journal.last(`invocation.${invocationId}`);
    return newest !== undefined && isLast(newest.fact.type);
  }

  /** Reads everything that the journal has about the schedule. @param now wall time of the reading */
  async history(now: number): Promise<History> {
    const {name, cron, timezone} = this.#schedule;
    let newest: number | undefined;
    let byHand: number | undefined;
    const ahead = {count: 0, first: Number.POSITIVE_INFINITY, last: Number.NEGATIVE_INFINITY};
    const held = new Map<string, HeldClaim>();
    for await (const recorded of this.#house.journal.scan(`schedule.${name}.`)) {
      const {fact, stream, at} = recorded;
      if (fact.type !== 'schedule.fired' && fact.type !== 'schedule.missed') continue;
      const claim = heldClaim(recorded);
      if (claim) held.set(stream, claim);
      else held.delete(stream);
      // What fired by another rule does not say what this rule has missed.
      if (fact.data.cron !== cron || fact.data.timezone !== timezone) continue;
      const occurrence = Date.parse(fact.data.occurrence);
      if ('manual' in fact.data) byHand = at <= now ? at : byHand;
      else if (occurrence <= now) newest = Math.max(newest ?? occurrence, occurrence);
      else if (fact.type === 'schedule.fired' && fact.data.attempt === 1) {
        ahead.count++;
        ahead.first = Math.min(ahead.first, occurrence);
        ahead.last = Math.max(ahead.last, occurrence);
      }
    }
    const unsettled: HeldClaim[] = [];
    for (const each of held.values()) if (!(await this.isSettled(each.claim))) unsettled.push(each);
    return {
      // A time that was named by hand may be any; but when somebody fired, a core was running.
      newest: newest ?? byHand,
      unsettled: unsettled.sort((a, b) => occurrenceOf(a) - occurrenceOf(b)),
      ahead: ahead.count > 0 ? ahead : undefined,
    };
  }

  async #append(claim: Claim, expect: Position): Promise<Taken> {
    const {clock, core} = this.#house;
    const position = await this.#begin(claim.occurrence, {type: 'schedule.fired', data: claim}, expect);
    if (position !== undefined) return {held: {claim, position, at: clock.now()}};
    const newest = await this.#house.journal.last(this.#stream(claim.occurrence));
    const by = newest && heldClaim(newest);
    // An append that failed may have been kept all the same: then this core has the claim.
    const isOurs = by?.claim.invocationId === claim.invocationId && by.claim.core === core && by.claim.attempt === claim.attempt;
    return isOurs ? {held: by} : {by};
  }

  /** @returns undefined when somebody else was first */
  async #begin(occurrence: string, fact: Fact, expect: Position): Promise<Position | undefined> {
    try {
      const {position} = await this.#house.journal.append(this.#stream(occurrence), [fact], {expect});
      return position;
    } catch (error) {
      if (error instanceof RevisionConflict) return undefined;
      throw error;
    }
  }

  #stream(occurrence: string): string {
    return `schedule.${this.#schedule.name}.${occurrence}`;
  }
}

function heldClaim({fact, position, at}: Recorded): HeldClaim | undefined {
  return fact.type === 'schedule.fired' ? {claim: fact.data, position, at} : undefined;
}

const occurrenceOf = ({claim}: HeldClaim) => Date.parse(claim.occurrence);
