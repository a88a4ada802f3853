import type {FactTypes} from '../facts.ts';
import {type Aspect, aspects, type Difference, differences, type Outcome} from './compare.ts';
import {membersOf, pointer} from './json.ts';

export type Verdict = FactTypes['replay.compared']['verdict'];
/** The verdicts, in the order of a report. */
export const verdicts: readonly Verdict[] = ['same', 'noise', 'status', 'headers', 'body', 'error'];

/** What a difference says: that something changed, that it always differs, or that the recording lacks a secret there. */
export type Meaning = 'changed' | 'noise' | 'redacted';

export interface JudgedDifference extends Difference {
  readonly meaning: Meaning;
}

export interface Judgement {
  /** The gravest change; `noise` when what differs means nothing. */
  readonly verdict: Verdict;
  /** Every aspect that changed, the gravest first. */
  readonly changed: readonly Aspect[];
  readonly differences: readonly JudgedDifference[];
}

/** Places whose value means nothing, as `placeOf` names them. */
export type Noise = ReadonlySet<string>;

/** What differs between two runs of one event with the same code is noise: times, ids, counters. */
export function learnNoise(one: Outcome, other: Outcome): Noise {
  const noise = new Set([...differences(one, other), ...differences(other, one)].map(({aspect, path}) => placeOf(aspect, path)));
  // One run failed and the other did not, so nothing can be said about any place.
  if ((one.code === undefined) !== (other.code === undefined)) for (const aspect of aspects) noise.add(placeOf(aspect, ''));
  return noise;
}

/** @param isRedacted whether a secret was taken out of the recording at that place */
export function judge(
  expected: Outcome,
  actual: Outcome,
  {noise, isRedacted}: {noise: Noise; isRedacted: (difference: Difference) => boolean},
): Judgement {
  const judged = differences(expected, actual).map(difference => ({...difference, meaning: meaningOf(difference)}));
  const changed = aspects.filter(aspect => judged.some(each => each.aspect === aspect && each.meaning === 'changed'));
  return {verdict: changed[0] ?? (judged.length > 0 ? 'noise' : 'same'), changed, differences: judged};

  function meaningOf(difference: Difference): Meaning {
    if (isNoise(noise, difference.aspect, difference.path)) return 'noise';
    return isRedacted(difference) ? 'redacted' : 'changed';
  }
}

/** True when the place, or one that it lies in, is noise. */
export function isNoise(noise: Noise, aspect: Aspect, path: string): boolean {
  if (noise.has(placeOf(aspect, ''))) return true;
  if (aspect !== 'body') return noise.has(placeOf(aspect, path));
  let place = '';
  return membersOf(path).some(member => {
    place = pointer(place, member);
    return noise.has(placeOf('body', place));
  });
}

const placeOf = (aspect: Aspect, path: string) => `${aspect} ${path}`;
