import type {Fact} from '../../facts.ts';
import {JournalDamaged, type Position, type Recorded} from '../../journal.ts';
import type {Kept} from './reading.ts';

/*
Facts in messages. A message has facts of one stream, or of many that were only recorded. Its place is the number that the
server gave it; the facts in it share that number, and the last one has the last of 4,096 indices. So from the position of the
newest fact of a stream the number of its message is known, and a position in the middle is known for one.
*/

/** Most facts of a message. */
export const mostFacts = 4096;
const lastIndex = mostFacts - 1;

/** Facts of one stream that were kept together, and when. */
export type Group = readonly [stream: string, at: number, facts: readonly Fact[]];

export const writeGroups = (groups: readonly Group[]): Buffer => joinGroups(groups.map(writeGroup));

export const writeGroup = (group: Group): string => JSON.stringify(group);

/** @param groups as `writeGroup` wrote them */
export const joinGroups = (groups: readonly string[]): Buffer => Buffer.from(`[${groups.join()}]`);

/** @throws JournalDamaged */
export function readFacts(kept: Kept): Recorded[] {
  const groups = parsed(kept);
  const count = groups.reduce((sum, [, , facts]) => sum + facts.length, 0);
  let position = lastOf(kept.sequence) - count;
  return groups.flatMap(([stream, at, facts]) => facts.map(fact => ({stream, position: ++position, at, storedAt: kept.storedAt, fact})));
}

function parsed({sequence, body}: Kept): readonly Group[] {
  try {
    // Only this module writes them.
    return JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString()) as readonly Group[];
  } catch (cause) {
    throw new JournalDamaged(`Message ${sequence} is not what was written`, {cause});
  }
}

/** The position of the last fact of a message. */
export const lastOf = (sequence: number): Position => sequence * mostFacts + lastIndex;

/** The message that has the fact at this position. */
export const messageOf = (position: Position): number => Math.floor(position / mostFacts);

/** The message after which a stream is to go on; undefined for a position that no newest fact has. */
export function guardOf(expect: Position): number | undefined {
  if (expect === 0) return 0;
  return expect > 0 && expect % mostFacts === lastIndex ? messageOf(expect) : undefined;
}
