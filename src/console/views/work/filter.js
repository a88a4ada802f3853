import {linkTo} from '../../route.js';

/**
 * What the address says about the lists. `list` is `dead` for dead letters, else empty.
 *
 * @typedef {{list: string, status: string, key: string, since: string, class: string, reply: string, after: string}} WorkFilter
 */

/** Items of a page. */
const limit = '100';

/**
 * @param {URLSearchParams} query
 * @returns {WorkFilter}
 */
export const filterOf = query => ({
  list: query.get('list') === 'dead' ? 'dead' : '',
  status: query.get('status') ?? '',
  key: query.get('key') ?? '',
  since: query.get('since') ?? '',
  class: query.get('class') ?? '',
  reply: query.get('reply') ?? '',
  after: query.get('after') ?? '',
});

/**
 * Where to read the work that has not ended, and how much there is.
 *
 * @param {WorkFilter} filter
 */
export function pathOfWork({list, status, key, after}) {
  if (list === 'dead') return 'api/work?limit=1';
  return `api/work?${queryOf({limit, status: status || 'waiting,behind,running', key, after})}`;
}

/**
 * Where to read the dead letters.
 *
 * @param {WorkFilter} filter
 */
export const pathOfDead = ({since, class: kind, reply, after}) => `api/dead?${queryOf({limit, since, class: kind, status: reply, after})}`;

/**
 * Which dead letters are to be sent again: those that the filter means, whatever page is open.
 *
 * @param {WorkFilter} filter
 */
export const wishOf = ({since, class: kind, reply}) => ({
  ...(since && {since}),
  ...(kind && {class: kind}),
  ...(reply && {status: Number(reply)}),
});

/**
 * The address of a list, or of an item beside it.
 *
 * @param {WorkFilter} filter
 * @param {Partial<WorkFilter>} [part] what differs from it
 * @param {string} [name] id of the item
 */
export const linkToWork = (filter, part = {}, name = '') => linkTo('work', name, {...filter, ...part});

/** @param {Record<string, string>} given empty values are left out */
const queryOf = given => new URLSearchParams(Object.entries(given).filter(([, value]) => value !== ''));
