import {isoStamp} from '../clock.ts';
import type {Recorded} from '../journal.ts';
import type {Explanation} from './explanation.ts';

/** A fact for machines: `type` is the bare name of the catalogue. */
export function plainFact({stream, position, at, fact: {type, data}}: Recorded) {
  return {position, stream, at: isoStamp(at), type, data};
}

export function plainExplanation({invocation, facts, boot, claim, payloads}: Explanation) {
  const schedule = claim && {name: claim.name, occurrence: claim.occurrence, attempt: claim.attempt, manual: claim.manual === true};
  return {...invocation, facts: facts.map(plainFact), boot, ...(schedule && {schedule}), payloads};
}
