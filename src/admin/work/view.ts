import type {Census, WorkState} from '../../work.ts';

export type WorkView = ReturnType<typeof viewItem>;

/** An item as plain JSON. Times are milliseconds since 1970. Of a callback only its host: the rest may hold secrets. */
export function viewItem({id, status, acceptedAt, due, expires, orderingKey, callback, attempts, deaths, ...item}: WorkState) {
  const {reason, deadAt, mostAttempts, isCallback} = item;
  return {
    id,
    status,
    acceptedAt,
    due,
    attempts,
    ...(isCallback && {posting: true}), // it is over, and its attempts are those to post its reply
    ...(deaths > 0 && {deaths}),
    ...(mostAttempts !== undefined && {mostAttempts}),
    ...(expires !== undefined && {expires}),
    ...(orderingKey !== undefined && {orderingKey}),
    ...(callback !== undefined && {callbackHost: hostOf(callback)}),
    ...(reason && {reason: {why: reason.why, class: reason.class, status: reason.status}}),
    ...(deadAt !== undefined && {deadAt}),
  };
}

const hostOf = (url: string) => (URL.canParse(url) ? new URL(url).host : '');

export function viewCensus({oldest, next, ...counts}: Census) {
  return {...counts, ...(oldest !== undefined && {oldest}), ...(next !== undefined && {nextDue: next})};
}
