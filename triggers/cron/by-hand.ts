import type {Claims, HeldClaim} from './claims.ts';
import type {Landed} from './flights.ts';
import {isoOccurrence} from './occurrence.ts';
import type {FireOutcome} from './schedules.ts';

export type Refusal = Extract<FireOutcome, {refused: string}>;

/** Claims an occurrence for somebody who asked for it, and launches it; the outcome comes when the function has answered. */
export async function launchByHand(
  schedule: string,
  at: number,
  claims: Claims,
  launch: (held: HeldClaim) => Promise<Landed | undefined>,
): Promise<{readonly outcome: Promise<FireOutcome>} | Refusal> {
  const taken = await claims.take(at, {manual: true});
  if (!('held' in taken)) {
    const refused = `${isoOccurrence(at)} of ${schedule} was already fired, as invocation ${taken.by?.claim.invocationId}`;
    return {why: 'conflict', refused};
  }
  const {occurrence, invocationId} = taken.held.claim;
  return {
    outcome: launch(taken.held).then(landed => {
      if (!landed) return closed;
      const {result, waits} = landed;
      const error = result.fault && {code: result.fault.code, error: result.fault.message};
      return {schedule, occurrence, invocationId, status: result.status, ...error, ...(waits && {waits})};
    }),
  };
}

export const closed: Refusal = {why: 'conflict', refused: 'the runtime is shutting down'};
