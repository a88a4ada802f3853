/** @typedef {import('./answers.js').Row} Row */

/** How many rows the page holds; past it the oldest go. */
export const mostRows = 10_000;

/**
 * Whether rows are missing between those that were known before a break and the newest page: there are more behind the page, and
 * it does not reach back to them. The list begins anew with the page then, as scrolling loads only what is older than its last row.
 *
 * @param {readonly Row[]} rows
 * @param {readonly Row[]} page
 * @param {string | undefined} next where the page after it begins
 */
export function leavesGap(rows, page, next) {
  if (rows.length === 0 || next === undefined) return false;
  const known = new Set(rows.map(({id}) => id));
  return !page.some(({id}) => known.has(id));
}

/**
 * Rows with news: known ones are replaced where they are, new ones are put in by their time.
 *
 * @param {readonly Row[]} rows oldest first
 * @param {ReadonlyMap<string, Row>} news
 * @param {string} status only rows with it stay; '' for all
 * @returns {readonly Row[]}
 */
export function merged(rows, news, status) {
  if (news.size === 0) return rows;
  const left = new Map(news);
  const kept = rows.map(row => {
    const given = left.get(row.id);
    if (!given) return row;
    left.delete(row.id);
    return given.status === 'running' && row.status !== 'running' ? row : {...row, ...given};
  });
  const fresh = [...left.values()].sort(byTime);
  const last = kept.at(-1);
  const isInOrder = !last || !fresh[0] || byTime(last, fresh[0]) <= 0;
  kept.push(...fresh);
  if (!isInOrder) kept.sort(byTime);
  const fitting = status === '' ? kept : kept.filter(row => row.status === status);
  return fitting.length > mostRows ? fitting.slice(-mostRows) : fitting;
}

/** @param {Row} one @param {Row} other */
const byTime = (one, other) => timeOf(one) - timeOf(other);

/** @param {Row} row */
const timeOf = ({acceptedAt, settledAt}) => acceptedAt ?? settledAt ?? 0;
