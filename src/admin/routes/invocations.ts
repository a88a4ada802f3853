import type {Clock} from '../../clock.ts';
import type {JournalReader} from '../../journal.ts';
import {explainInvocation} from '../../projections/explanation.ts';
import {invocationStatuses, listInvocations, usualSince} from '../../projections/invocations.ts';
import {plainExplanation} from '../../projections/plain.ts';
import {Refusal, type Route} from '../../route.ts';
import {parseDuration} from '../../settings/setting.ts';
import type {JournalDesk} from '../reading/desk.ts';

const mostInvocations = 1000;

/** `GET /api/invocations?status=failed&since=1h&limit=100`: recorded invocations, the newest first. */
export function invocationsRoute({journal, clock}: {readonly journal: JournalReader; readonly clock: Clock}, desk: JournalDesk): Route {
  return {
    method: 'GET',
    path: '/api/invocations',
    query: 'status=<status>&since=<duration>&limit=<count>',
    doc: 'Recorded invocations, the newest first; without `since` those of the last hour.',
    run: ({query, response}) =>
      desk.answer(response, async () => {
        const {agoMs, ...wish} = parseWish(query);
        const now = clock.now();
        return {invocations: await listInvocations(journal, {...wish, since: now - agoMs, now})};
      }),
  };
}

/** @throws Refusal BAD_REQUEST */
function parseWish(query: URLSearchParams) {
  const status = query.get('status') ?? undefined;
  const agoMs = parseDuration(query.get('since') ?? usualSince);
  const limit = Number(query.get('limit') ?? 100);
  if (status !== undefined && !invocationStatuses.includes(status))
    throw new Refusal('BAD_REQUEST', `status: expected one of ${invocationStatuses.join(', ')}`);
  if (agoMs === undefined) throw new Refusal('BAD_REQUEST', 'since: expected a duration such as 15m');
  if (!Number.isInteger(limit) || limit < 1 || limit > mostInvocations)
    throw new Refusal('BAD_REQUEST', `limit: expected 1 to ${mostInvocations}`);
  return {status, agoMs, limit};
}

/** `GET /api/invocations/<id>`: what happened to one invocation. */
export function invocationRoute({journal}: {readonly journal: JournalReader}, desk: JournalDesk): Route {
  return {
    method: 'GET',
    path: '/api/invocations/<id>',
    doc: 'What happened to one invocation, as `explain --json` prints it.',
    run: ({name: id, response}) =>
      desk.answer(response, async () => {
        const explanation = await explainInvocation(journal, id);
        if (!explanation) throw new Refusal('NOT_FOUND', 'nothing is known of it; refused requests are not kept');
        return plainExplanation(explanation);
      }),
  };
}
