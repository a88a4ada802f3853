import type {FactTypes} from '../../src/facts.ts';
import type {Position, Recorded} from '../../src/journal.ts';

/** What the journal keeps of an occurrence that somebody runs. */
export type Claim = FactTypes['schedule.fired'];

/** A claim of some core, and where it stands. */
export interface HeldClaim {
  readonly claim: Claim;
  readonly position: Position;
  /** Wall time of the claim. */
  readonly at: number;
  /** That of the stream of its invocation, when this core took it over or was to try again. */
  readonly revision?: Position | undefined;
}

/** @returns undefined for a fact that claims nothing */
export function heldClaim({fact, position, at}: Recorded): HeldClaim | undefined {
  return fact.type === 'schedule.fired' ? {claim: fact.data, position, at} : undefined;
}
