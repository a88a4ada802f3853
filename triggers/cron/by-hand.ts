import {asFault, Fault} from '../../src/errors.ts';
import type {HeldClaim} from './claim.ts';
import type {Claims} from './claims.ts';
import type {Landed} from './flights.ts';
import type {HandOn} from './hand-on.ts';
import {isoOccurrence} from './occurrence.ts';
import type {FireOutcome} from './schedules.ts';

export type Refusal = Extract<FireOutcome, {refused: string}>;

/**
Claims an occurrence for somebody who asked for it, and runs it, or hands it on to work.

@param to runs it; its outcome comes when the function has answered. Or hands it on: then it comes at once
@param mind is given what goes on behind the outcome
*/
export async function launchByHand(
  schedule: string,
  at: number,
  claims: Claims,
  to: HandOn | ((held: HeldClaim) => Promise<Landed | undefined>),
  mind: (work: Promise<unknown>) => void,
): Promise<{readonly outcome: Promise<FireOutcome>} | Refusal> {
  const taken = await claims.take(at, {manual: true});
  if (!('held' in taken)) {
    const refused = `${isoOccurrence(at)} of ${schedule} was already fired, as invocation ${taken.by?.claim.invocationId}`;
    return {why: 'conflict', refused};
  }
  const {held} = taken;
  const {occurrence, invocationId} = held.claim;
  const fired = {schedule, occurrence, invocationId};
  // Handed on before this resolves, so that the next one finds that it runs.
  if (typeof to !== 'function') return {outcome: Promise.resolve({...fired, ...(await handOn(held, claims, to, mind))})};
  return {
    outcome: to(held).then(landed => {
      if (!landed) return closed;
      const {result, waits} = landed;
      const error = result.fault && {code: result.fault.code, error: result.fault.message};
      return {...fired, status: result.status, ...error, ...(waits && {waits})};
    }),
  };
}

async function handOn(held: HeldClaim, claims: Claims, to: HandOn, mind: (work: Promise<unknown>) => void) {
  try {
    if ((await to.tryOnce(held.claim)) === 'given') return {status: 202, handedOn: true} as const;
    await claims.giveUp(held); // who asks by hand can ask again
    const {status, code, message: error} = new Fault('WORK_FULL');
    return {status, code, error};
  } catch (error) {
    mind(to.give(held)); // it was claimed, and is handed on as soon as the journal can keep it
    const {status, code, message} = asFault(error);
    return {status, code, error: message, waits: true} as const;
  }
}

export const closed: Refusal = {why: 'conflict', refused: 'the runtime is shutting down'};
