import type Koa from 'koa';
import type {Clock} from '../clock.ts';
import type {Journal} from '../journal.ts';
import type {Budget} from '../limits/budget.ts';
import type {Metrics} from '../observe/metrics/metrics.ts';
import {explainInvocation} from '../projections/explanation.ts';
import {invocationStatuses, listInvocations, usualSince} from '../projections/invocations.ts';
import {plainExplanation} from '../projections/plain.ts';
import {parseDuration} from '../settings/setting.ts';
import {factsRoute} from './facts.ts';
import {Pages} from './pages.ts';
import {charge, Readers} from './readers.ts';
import {Refusal} from './refusal.ts';
import {keepComparisons} from './replays.ts';
import type {Call, Route} from './routes.ts';

export interface ApiOptions {
  readonly journal: Journal;
  readonly clock: Clock;
  /** What callers make this process hold is charged to it. */
  readonly budget: Budget;
  readonly metrics: Metrics;
  /** Lets newer code take over. @returns undefined, or why it did not */
  readonly reload: () => Promise<string | undefined>;
}

const mostInvocations = 1000;

/**
What the private listener does for callers that were let in:

    POST /api/reload
    POST /api/replays
    GET  /api/facts?after=<position>&stream=<prefix>          JSON lines; as server-sent events it goes on with new facts
    GET  /api/invocations?status=failed&since=1h&limit=100
    GET  /api/invocations/<id>
*/
export function apiRoutes(options: ApiOptions): Route[] {
  const {journal, clock, budget, metrics} = options;
  const {meter} = metrics;
  const readers = new Readers(meter);
  const pages = new Pages(journal, clock);
  /** An answer made from the journal: read in turn, and charged. */
  const read =
    (run: (call: Call) => Promise<object>): Route['run'] =>
    async call => {
      const left = readers.enter(call.ctx.res);
      const text = JSON.stringify(await pages.inTurn(() => run(call), left));
      charge(text, budget, left);
      call.ctx.type = 'json';
      call.ctx.body = text;
    };
  return [
    {method: 'POST', path: '/api/reload', run: ({ctx}) => reload(ctx, options)},
    {method: 'POST', path: '/api/replays', run: ({ctx}) => keepComparisons(ctx, journal, budget)},
    factsRoute({journal, clock, budget, meter, readers, pages}),
    {method: 'GET', path: '/api/invocations', run: read(call => list(call, options))},
    {method: 'GET', path: '/api/invocations/*', run: read(({name}) => explain(name, options))},
  ];
}

async function reload(ctx: Koa.Context, options: ApiOptions): Promise<void> {
  const problem = await options.reload();
  if (problem !== undefined) throw new Refusal('NOT_RELOADED', problem, {details: {reloaded: false, cause: problem}});
  ctx.body = {reloaded: true};
}

async function explain(id: string, {journal}: ApiOptions): Promise<object> {
  const explanation = await explainInvocation(journal, id);
  if (!explanation) throw new Refusal('NOT_FOUND', 'nothing is known of it; refused requests are not kept');
  return plainExplanation(explanation);
}

async function list({query}: Call, {journal, clock}: ApiOptions): Promise<object> {
  const status = query.get('status') ?? undefined;
  const sinceMs = parseDuration(query.get('since') ?? usualSince);
  const limit = Number(query.get('limit') ?? 100);
  if (status !== undefined && !invocationStatuses.includes(status))
    throw new Refusal('BAD_REQUEST', `status: expected one of ${invocationStatuses.join(', ')}`);
  if (sinceMs === undefined) throw new Refusal('BAD_REQUEST', 'since: expected a duration such as 15m');
  if (!Number.isInteger(limit) || limit < 1 || limit > mostInvocations)
    throw new Refusal('BAD_REQUEST', `limit: expected 1 to ${mostInvocations}`);
  const now = clock.now();
  return {invocations: await listInvocations(journal, {status, since: now - sinceMs, now, limit})};
}
