import type {ReplyTurns} from '../../limits/reply-turns.ts';
import type {Member} from './member.ts';

type Members = readonly Pick<Member, 'active' | 'concurrency' | 'doubtedPlaces'>[];

/** Calls that may run at a time. */
export function placesOf(members: Members, turns: ReplyTurns | undefined): number {
  let places = 0;
  for (const {concurrency} of members) places += concurrency;
  return turns ? Math.min(places, turns.calls) : places;
}

/** Calls that may run beside those that run, for the sake of their replies. */
export function turnsLeft(members: Members, turns: ReplyTurns): number {
  let left = turns.calls;
  for (const {active} of members) left -= active;
  return left;
}

/** Places that are free as soon as a process answers, or the replies of other calls have left. */
export function heldPlaces(members: Members, turns: ReplyTurns | undefined): number {
  const isHeld = turns !== undefined && turnsLeft(members, turns) <= 0;
  return members.reduce((sum, {concurrency, active, doubtedPlaces}) => sum + (isHeld ? concurrency - active : doubtedPlaces), 0);
}
