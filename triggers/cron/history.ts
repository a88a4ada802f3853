import type {JournalReader} from '../../src/journal.ts';
import {type Claim, type HeldClaim, heldClaim} from './claim.ts';
import type {Schedule} from './schedule.ts';

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

/** Reads everything that the journal has about the schedule. @param now wall time of the reading */
export async function readHistory(
  {name, cron, timezone}: Pick<Schedule, 'name' | 'cron' | 'timezone'>,
  journal: JournalReader,
  isSettled: (claim: Claim) => Promise<boolean>,
  now: number,
): Promise<History> {
  let newest: number | undefined;
  let byHand: number | undefined;
  const ahead = {count: 0, first: Number.POSITIVE_INFINITY, last: Number.NEGATIVE_INFINITY};
  const held = new Map<string, HeldClaim>();
  for await (const recorded of journal.scan(`schedule.${name}.`)) {
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
  for (const each of held.values()) if (!(await isSettled(each.claim))) unsettled.push(each);
  return {
    // A time that was named by hand may be any; but when somebody fired, a core was running.
    newest: newest ?? byHand,
    unsettled: unsettled.sort((a, b) => occurrenceOf(a) - occurrenceOf(b)),
    ahead: ahead.count > 0 ? ahead : undefined,
  };
}

const occurrenceOf = ({claim}: HeldClaim) => Date.parse(claim.occurrence);
