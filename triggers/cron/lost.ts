import type {Calendar} from './calendar.ts';

/** Occurrences that passed by. */
export interface Lost {
  /** The newest ones, oldest first. */
  readonly newest: readonly number[];
  /** All of them, or as many as were counted. */
  readonly count: number;
  readonly isCounted: boolean;
  readonly first: number | undefined;
}

/** A schedule may fire every second, and a core may have been down for a week: counting must end. */
const mostCounted = 1000;

/** Counts the occurrences after an instant until another one, and gives the newest `most` of them. The effort is bounded. */
export function lostBetween(calendar: Calendar, after: number, until: number, most: number): Lost {
  const counted = between(calendar, after, until, mostCounted + 1);
  const isCounted = counted.length <= mostCounted;
  const newest = isCounted ? counted.slice(Math.max(0, counted.length - most)) : newestBetween(calendar, after, until, most);
  return {newest, count: Math.min(counted.length, mostCounted), isCounted, first: counted[0]};
}

/** Looks back in windows that double, until one holds enough. */
function newestBetween(calendar: Calendar, after: number, until: number, most: number): readonly number[] {
  for (let windowMs = most * 1000; ; windowMs *= 2) {
    const from = Math.max(after, until - windowMs);
    const found = between(calendar, from, until);
    if (found.length >= most || from === after) return found.slice(Math.max(0, found.length - most));
  }
}

function between(calendar: Calendar, after: number, until: number, most = Number.POSITIVE_INFINITY): number[] {
  const found: number[] = [];
  for (let next = calendar.next(after); next !== undefined && next <= until && found.length < most; next = calendar.next(next)) {
    found.push(next);
  }
  return found;
}
