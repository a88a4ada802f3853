import {joinRoutes} from '../src/admin/match.ts';
import {type AdminHouse, adminRoutes} from '../src/admin/routes/index.ts';
import type {Clock} from '../src/clock.ts';
import type {Route} from '../src/route.ts';
import {triggerRoutes} from '../src/serve/doors.ts';
import {triggers} from '../triggers/index.ts';

const who = (open: Route['open']) => (open === true ? 'everybody' : open === 'page' ? 'browsers' : 'authorised callers');

/** The pages of the private listener, the core's and the triggers', from the table that serves them. */
export function pagesTable(): string {
  const own = adminRoutes({metrics: {}, clock: {} as Clock} as AdminHouse); // only running a route needs what the house has
  const rows = joinRoutes(
    own,
    triggerRoutes(triggers, () => undefined),
  ).map(({method, path, query, open, doc}) => {
    const request = `${method} ${path}${query === undefined ? '' : `?${query}`}`;
    return `| \`${request}\` | ${who(open)} | ${doc} |`;
  });
  return ['| request | who may | answer |', '| --- | --- | --- |', ...rows, ''].join('\n');
}
