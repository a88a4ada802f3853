import type {Clock} from '../../clock.ts';
import type {JournalReader} from '../../journal.ts';
import {explainInvocation} from '../../projections/explanation.ts';
import {type Cursor, type InvocationFilter, pageInvocations} from '../../projections/invocation-list.ts';
import {invocationStatuses, usualSince} from '../../projections/invocations.ts';
import {type AskedView, withRequests} from '../../projections/kept-requests.ts';
import {plainExplanation} from '../../projections/plain.ts';
import {Refusal, type Route} from '../../route.ts';
import {parseDuration, shown} from '../../settings/setting.ts';
import type {JournalDesk} from '../reading/desk.ts';
import {described} from './described.ts';

const mostInvocations = 1000;
/** Requests that are read to answer once: past that the answer ends, and says where to go on. */
const mostAsked = 1000;

export interface InvocationsHouse {
  readonly journal: JournalReader;
  readonly clock: Clock;
  /** CORE_TRACE_URL. */
  readonly traceUrl: string | undefined;
}

/** `GET /api/invocations?status=failed&since=1h&limit=100`: recorded invocations, the newest first. */
export function invocationsRoute({journal, clock}: InvocationsHouse, desk: JournalDesk): Route {
  return {
    method: 'GET',
    path: '/api/invocations',
    described: described('invocations'),
    query: 'status=<status>&source=<source>&id=<prefix>&code=<code>&path=<text>&since=<duration>&limit=<count>&with=request&before=<next>',
    doc: 'Recorded invocations, the newest first; without `since` those of the last hour. With `with=request`, or by a text in the `path`, what was asked, too, where it is kept. `next` is the `before` of the next page.',
    run: ({query, response}) =>
      desk.answer(response, async () => {
        const {agoMs, before, path, ...wish} = parseWish(query);
        const now = clock.now();
        const filter = {...wish, since: now - agoMs, now};
        const isAsked = path !== undefined || query.get('with') === 'request';
        const page = isAsked ? await askedPage(journal, filter, before, path ?? '') : await plainPage(journal, filter, before);
        return page;
      }),
  };
}

async function plainPage(journal: JournalReader, filter: InvocationFilter, before: Cursor | undefined) {
  const {invocations, cursors, hasMore} = await pageInvocations(journal, filter, before);
  return {invocations, ...nextOf(hasMore ? cursors.at(-1) : undefined)};
}

/** Looks through pages until enough have the path, or enough were looked at. */
async function askedPage(journal: JournalReader, filter: InvocationFilter, before: Cursor | undefined, path: string) {
  const {limit} = filter;
  const found: AskedView[] = [];
  let last = before;
  for (let asked = 0; asked < mostAsked; ) {
    const page = await pageInvocations(journal, {...filter, limit: Math.min(limit, mostAsked - asked)}, last);
    const views = await withRequests(journal, page.invocations);
    asked += views.length;
    for (const [index, view] of views.entries()) {
      last = page.cursors[index];
      if (path === '' || view.path?.includes(path)) found.push(view);
      if (found.length === limit) return {invocations: found, ...nextOf(index < views.length - 1 || page.hasMore ? last : undefined)};
    }
    if (!page.hasMore) return {invocations: found};
  }
  return {invocations: found, ...nextOf(last)};
}

const nextOf = (cursor: Cursor | undefined) => cursor && {next: `${cursor.position}-${cursor.at}`};

/** @throws Refusal BAD_REQUEST */
function parseWish(query: URLSearchParams) {
  const given = (name: string) => query.get(name) ?? undefined;
  const status = given('status');
  const agoMs = parseDuration(query.get('since') ?? usualSince);
  const limit = Number(query.get('limit') ?? 100);
  const before = given('before');
  const [, position, at] = /^(\d{1,16})-(\d{1,16})$/.exec(before ?? '') ?? [];
  if (status !== undefined && !invocationStatuses.includes(status))
    throw new Refusal('BAD_REQUEST', `status: expected one of ${invocationStatuses.join(', ')}`);
  if (agoMs === undefined) throw new Refusal('BAD_REQUEST', 'since: expected a duration such as 15m');
  if (!Number.isInteger(limit) || limit < 1 || limit > mostInvocations)
    throw new Refusal('BAD_REQUEST', `limit: expected 1 to ${mostInvocations}`);
  if (before !== undefined && position === undefined) throw new Refusal('BAD_REQUEST', 'before: expected `next` of the page before');
  const cursor = position === undefined ? undefined : {position: Number(position), at: Number(at)};
  return {status, source: given('source'), id: given('id'), code: given('code'), path: given('path'), agoMs, limit, before: cursor};
}

/** `GET /api/invocations/<id>`: what happened to one invocation. */
export function invocationRoute({journal, traceUrl}: InvocationsHouse, desk: JournalDesk): Route {
  return {
    method: 'GET',
    path: '/api/invocations/<id>',
    described: described('invocation'),
    doc: 'What happened to one invocation, as `explain --json` prints it, and its trace.',
    run: ({name: id, response}) =>
      desk.answer(response, async () => {
        const explanation = await explainInvocation(journal, id);
        if (!explanation) throw unknownInvocation(id);
        return {...plainExplanation(explanation), ...traceOf(explanation.invocation.traceparent, traceUrl)};
      }),
  };
}

/** @param id as somebody asked for it: any text */
const unknownInvocation = (id: string) =>
  new Refusal('NOT_FOUND', `nothing is known of \`${shown(id.slice(0, 100))}\`; refused requests are not kept`);

/** W3C Trace Context §3.2.2: version, trace id, parent id, flags. */
function traceOf(traceparent = '', template: string | undefined) {
  const [, traceId] = /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(traceparent) ?? [];
  if (traceId === undefined) return {};
  return {traceId, ...(template !== undefined && {traceUrl: template.replaceAll('{traceId}', traceId)})};
}
