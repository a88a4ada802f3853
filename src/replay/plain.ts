import {isoStamp} from '../clock.ts';
import {statusText} from './compare.ts';
import {type Masks, valueText} from './document.ts';
import type {NotReplayable} from './recall.ts';
import type {Compared} from './replay.ts';

/** SHA-256 of the handlers' files; undefined when unknown. */
export interface Code {
  readonly recorded: string | undefined;
  readonly baseline: string | undefined;
  /** Undefined also when the replay has no candidate. */
  readonly candidate: string | undefined;
}

/** Most differences that a line lists; it says how many there are in all. */
const mostDifferences = 20;

/** What came of one invocation, for machines. `type` is the bare name of the catalogue. */
export function plainComparison(compared: Compared, code: Code) {
  const {recalled, expected, actual, noise, judgement} = compared;
  const {id, acceptedAt, request, secrets} = recalled;
  const {verdict, changed, differences} = judgement;
  const masks = masksOf(compared);
  return {
    type: 'replay.compared',
    invocationId: id,
    verdict,
    changed,
    ...(acceptedAt !== undefined && {acceptedAt: isoStamp(acceptedAt)}),
    method: request.method,
    path: request.path,
    expected: statusText(expected),
    actual: statusText(actual),
    differences: differences.slice(0, mostDifferences).map(difference => ({
      aspect: difference.aspect,
      path: difference.path,
      meaning: difference.meaning,
      expected: valueText(difference, difference.expected, masks),
      actual: valueText(difference, difference.actual, masks),
    })),
    moreDifferences: Math.max(0, differences.length - mostDifferences),
    noise: [...noise].slice(0, mostDifferences),
    redacted: [...secrets.names],
    code,
  };
}

export const plainHindrance = ({id, hindrance, reason, fix}: NotReplayable) => ({invocationId: id, notReplayable: hindrance, reason, fix});

/** What is shown of both outcomes, and what is not. */
export function masksOf({recalled: {request}, actual, noise, secrets}: Compared): Masks {
  let known: string | undefined;
  const isKnown = (word: string) => {
    // The kept part of the request has no secrets, nor has the answer of a replay, which did not get them.
    known ??= [request.path, request.query, ...request.headers, request.body, ...(actual.headers ?? []), actual.body ?? ''].join('\n');
    return known.includes(word);
  };
  return {noise, secrets, isKnown};
}
