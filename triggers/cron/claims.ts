import {randomUUIDv7} from 'node:crypto';
import {type Fact, type FactTypes, isLast} from '../../src/facts.ts';
import {type Position, RevisionConflict} from '../../src/journal.ts';
import type {ClaimingHouse} from '../../src/trigger.ts';
import {type Claim, type HeldClaim, heldClaim} from './claim.ts';
import {type History, readHistory} from './history.ts';
import {isoOccurrence} from './occurrence.ts';
import type {Schedule} from './schedule.ts';

/** `held`: this core runs it. `by`: another core does, with this claim if it is known, or nobody, as it is over. */
export type Taken = {readonly held: HeldClaim} | {readonly by: HeldClaim | undefined};

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
    const {core} = this.#house;
    const fired = {name, occurrence: time, cron, timezone, invocationId, attempt: 1, core, ...this.#way()};
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
    const noted = await this.#newest(claim.occurrence);
    const isFree =
      noted?.fact.type === 'schedule.missed' && (manual || noted.fact.data.reason === 'down' || noted.fact.data.reason === 'late');
    return isFree ? this.#append(claim, noted.position) : taken;
  }

  /**
  Claims an occurrence again when the core that had it ended before it could settle it. If that core only stood still, it may have
  ended the occurrence just before this claim: then nobody runs it any more.
  */
  async takeOver({claim, position}: HeldClaim): Promise<Taken> {
    const {delivery: _, ...same} = claim; // the schedule may have another one since
    const way = claim.delivery ? this.#way() : {};
    const taken = await this.#append({...same, core: this.#house.core, attempt: claim.attempt + 1, ...way}, position);
    if (!('held' in taken)) return taken;
    const newest = await this.#house.journal.last(`invocation.${claim.invocationId}`, {now: true});
    if (newest && isLast(newest.fact.type)) return {by: taken.held};
    return {held: {...taken.held, revision: newest?.position ?? 0}};
  }

  /**
  Claims an occurrence that did not reach the function for its next attempt. An attempt that never began is made again under
  the same number.

  @returns undefined when it is over
  */
  async takeAgain(held: HeldClaim): Promise<Taken | undefined> {
    const newest = await this.#house.journal.last(`invocation.${held.claim.invocationId}`);
    if (newest && isLast(newest.fact.type)) return undefined;
    // One that has begun was reported to have failed, and was kept.
    const isKept = newest?.fact.type === 'attempt.failed' || newest?.fact.type === 'attempt.started';
    return isKept && newest.fact.data.attempt === held.claim.attempt
      ? this.takeOver(held)
      : {held: {...held, revision: newest?.position ?? 0}};
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

  /** Whether anything is known of its invocation. One that is handed on to work begins with that. */
  async isBegun({invocationId}: Claim): Promise<boolean> {
    return (await this.#house.journal.last(`invocation.${invocationId}`, {now: true})) !== undefined;
  }

  /** How its invocation ended; undefined while it has not. */
  async outcome({invocationId}: Claim): Promise<string | undefined> {
    const newest = await this.#house.journal.last(`invocation.${invocationId}`);
    return newest?.fact.type === 'invocation.settled' ? newest.fact.data.outcome : undefined;
  }

  /** As of now: a core that takes over writes nothing that a journal of several copies could refuse. */
  async isSettled({invocationId}: Claim): Promise<boolean> {
    const newest = await this.#house.journal.last(`invocation.${invocationId}`, {now: true});
    return newest !== undefined && isLast(newest.fact.type);
  }

  /** @param now wall time of the reading */
  history(now: number): Promise<History> {
    return readHistory(this.#schedule, this.#house.journal, claim => this.isSettled(claim), now);
  }

  async #append(claim: Claim, expect: Position): Promise<Taken> {
    const {clock, core} = this.#house;
    const position = await this.#begin(claim.occurrence, {type: 'schedule.fired', data: claim}, expect);
    if (position !== undefined) return {held: {claim, position, at: clock.now()}};
    const newest = await this.#newest(claim.occurrence);
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

  /** As of now: who takes an old answer for the truth may leave what it has claimed itself, as if nobody ran it. */
  #newest = (occurrence: string) => this.#house.journal.last(this.#stream(occurrence), {now: true});

  #way = () => (this.#schedule.delivery === 'work' ? {delivery: 'work' as const} : {});

  #stream(occurrence: string): string {
    return `schedule.${this.#schedule.name}.${occurrence}`;
  }
}
