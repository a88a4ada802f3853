import {randomUUIDv7} from 'node:crypto';
import type {Fact, FactTypes} from '../../src/facts.ts';
import {type Journal, type Position, type Recorded, RevisionConflict} from '../../src/journal.ts';
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

/** Ours to run, or not: then `by` is who has it, if it is known. */
export type Taken = {readonly claim: Claim} | {readonly by: HeldClaim | undefined};

export interface History {
  /** The newest occurrence of the schedule as it is now that was fired or given up. */
  readonly newest: number | undefined;
  /** Claims whose invocations are not settled, oldest first. */
  readonly unsettled: readonly HeldClaim[];
}

/**
The occurrences of one schedule in the journal. Each has a stream of its own, and whoever begins it runs the occurrence:
the journal refuses everybody else.
*/
export class Claims {
  readonly #journal: Journal;
  readonly #core: string;
  readonly #schedule: Schedule;
  /** Ids of claims of which it is not known yet whether the journal has them. */
  readonly #tried = new Map<string, string>();

  constructor(journal: Journal, core: string, schedule: Schedule) {
    this.#journal = journal;
    this.#core = core;
    this.#schedule = schedule;
  }

  /**
  Claims an occurrence. One that was only noted as missed can still be claimed; one that was skipped for the sake of an
  earlier one, or given up, only by hand. When it rejects, it may be tried again.
  */
  async take(occurrence: number, {manual = false} = {}): Promise<Taken> {
    const {name, cron, timezone} = this.#schedule;
    const time = isoOccurrence(occurrence);
    const invocationId = this.#tried.get(time) ?? randomUUIDv7();
    this.#tried.set(time, invocationId);
    const fired = {name, occurrence: time, cron, timezone, invocationId, attempt: 1, core: this.#core};
    const taken = await this.#takeNew(manual ? {...fired, manual: true} : fired);
    this.#tried.delete(time);
    return taken;
  }

  async #takeNew(claim: Claim): Promise<Taken> {
    const {manual = false} = claim;
    const taken = await this.#append(claim, 0);
    if ('claim' in taken || taken.by) return taken;
    const noted = await this.#journal.last(this.#stream(claim.occurrence));
    const isFree =
      noted?.fact.type === 'schedule.missed' && (manual || noted.fact.data.reason === 'down' || noted.fact.data.reason === 'late');
    return isFree ? this.#append(claim, noted.position) : taken;
  }

  /** Claims again what another core did not live to settle. */
  async takeOver({claim, position}: HeldClaim): Promise<Taken> {
    return this.#append({...claim, core: this.#core, attempt: claim.attempt + 1}, position);
  }

  /** Notes occurrences that nobody runs; the last one stands for all. */
  async miss(missed: Pick<FactTypes['schedule.missed'], 'count' | 'more' | 'reason'>, first: number, last: number): Promise<boolean> {
    const {name, cron, timezone} = this.#schedule;
    const data = {name, occurrence: isoOccurrence(last), cron, timezone, first: isoOccurrence(first), ...missed};
    return this.#begin(data.occurrence, {type: 'schedule.missed', data}, 0);
  }

  /** Notes that an occurrence is not tried again. */
  async giveUp({claim: {name, occurrence, cron, timezone}, position}: HeldClaim): Promise<boolean> {
    const data = {name, occurrence, cron, timezone, first: occurrence, count: 1, reason: 'given-up'} as const;
    return this.#begin(occurrence, {type: 'schedule.missed', data}, position);
  }

  async isSettled({invocationId}: Claim): Promise<boolean> {
    const newest = await this.#journal.last(`invocation.${invocationId}`);
    return newest?.fact.type === 'invocation.settled';
  }

  /** Reads all that the journal has of the schedule. */
  async history(): Promise<History> {
    const {name, cron, timezone} = this.#schedule;
    let newest: number | undefined;
    let byHand: number | undefined;
    const held = new Map<string, HeldClaim>();
    for await (const recorded of this.#journal.scan(`schedule.${name}.`)) {
      const {fact, stream, at} = recorded;
      if (fact.type !== 'schedule.fired' && fact.type !== 'schedule.missed') continue;
      const claim = heldClaim(recorded);
      if (claim) held.set(stream, claim);
      else held.delete(stream);
      // What another rule did says nothing of what this rule has lost.
      if (fact.data.cron !== cron || fact.data.timezone !== timezone) continue;
      if ('manual' in fact.data) byHand = at;
      else newest = Math.max(newest ?? Number.NEGATIVE_INFINITY, Date.parse(fact.data.occurrence));
    }
    const unsettled: HeldClaim[] = [];
    for (const each of held.values()) if (!(await this.isSettled(each.claim))) unsettled.push(each);
    // Who fires by hand may name any time; but then a core was there.
    return {newest: newest ?? byHand, unsettled: unsettled.sort((a, b) => Date.parse(a.claim.occurrence) - Date.parse(b.claim.occurrence))};
  }

  async #append(claim: Claim, expect: Position): Promise<Taken> {
    if (await this.#begin(claim.occurrence, {type: 'schedule.fired', data: claim}, expect)) return {claim};
    const newest = await this.#journal.last(this.#stream(claim.occurrence));
    const by = newest && heldClaim(newest);
    // An append that failed may have been kept all the same: then the claim is ours.
    const isOurs = by?.claim.invocationId === claim.invocationId && by.claim.core === this.#core && by.claim.attempt === claim.attempt;
    return isOurs ? {claim} : {by};
  }

  /** @returns false when somebody else was first */
  async #begin(occurrence: string, fact: Fact, expect: Position): Promise<boolean> {
    try {
      await this.#journal.append(this.#stream(occurrence), [fact], {expect});
      return true;
    } catch (error) {
      if (error instanceof RevisionConflict) return false;
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
