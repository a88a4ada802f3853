import {Readable} from 'node:stream';
import type Koa from 'koa';
import type {Clock} from '../clock.ts';
import type {Journal, JournalReader, Position} from '../journal.ts';
import {explainInvocation} from '../projections/explanation.ts';
import {invocationStatuses, listInvocations, usualSince} from '../projections/invocations.ts';
import {plainExplanation, plainFact} from '../projections/plain.ts';
import {parseDuration} from '../setting.ts';
import {Refusal} from './refusal.ts';
import {keepComparisons} from './replays.ts';
import type {Call, Route} from './routes.ts';

export interface ApiOptions {
  readonly journal: Journal;
  readonly clock: Clock;
  /** Lets newer code take over. @returns undefined, or why it did not */
  readonly reload: () => Promise<string | undefined>;
}

/** Facts of one answer that does not go on. */
const mostFacts = 1000;
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
  return [
    {method: 'POST', path: '/api/reload', run: ({ctx}) => reload(ctx, options)},
    {method: 'POST', path: '/api/replays', run: ({ctx}) => keepComparisons(ctx, options.journal)},
    {method: 'GET', path: '/api/facts', run: call => facts(call, options)},
    {method: 'GET', path: '/api/invocations', run: call => list(call, options)},
    {method: 'GET', path: '/api/invocations/*', run: ({ctx, name}) => explain(ctx, name, options)},
  ];
}

async function reload(ctx: Koa.Context, options: ApiOptions): Promise<void> {
  const problem = await options.reload();
  if (problem !== undefined) throw new Refusal('NOT_RELOADED', problem, {details: {reloaded: false, cause: problem}});
  ctx.body = {reloaded: true};
}

async function explain(ctx: Koa.Context, id: string, {journal}: ApiOptions): Promise<void> {
  const explanation = await explainInvocation(journal, id);
  if (!explanation) throw new Refusal('NOT_FOUND', 'nothing is known of it; refused requests are not kept');
  ctx.body = plainExplanation(explanation);
}

async function list({ctx, query}: Call, {journal, clock}: ApiOptions): Promise<void> {
  const status = query.get('status') ?? undefined;
  const sinceMs = parseDuration(query.get('since') ?? usualSince);
  const limit = Number(query.get('limit') ?? 100);
  if (status !== undefined && !invocationStatuses.includes(status))
    throw new Refusal('BAD_REQUEST', `status: expected one of ${invocationStatuses.join(', ')}`);
  if (sinceMs === undefined) throw new Refusal('BAD_REQUEST', 'since: expected a duration such as 15m');
  if (!Number.isInteger(limit) || limit < 1 || limit > mostInvocations)
    throw new Refusal('BAD_REQUEST', `limit: expected 1 to ${mostInvocations}`);
  const now = clock.now();
  ctx.body = {invocations: await listInvocations(journal, {status, since: now - sinceMs, now, limit})};
}

async function facts({ctx, query}: Call, {journal}: ApiOptions): Promise<void> {
  const after = Number(ctx.get('last-event-id') || query.get('after') || 0);
  if (!Number.isInteger(after) || after < 0) throw new Refusal('BAD_REQUEST', 'after: expected a position');
  const prefix = query.get('stream') ?? '';
  ctx.set('Cache-Control', 'no-store');
  if (ctx.accepts('application/x-ndjson', 'text/event-stream') === 'text/event-stream') {
    ctx.type = 'text/event-stream';
    const gone = new AbortController();
    ctx.res.once('close', () => gone.abort());
    ctx.body = Readable.from(events(journal, {after, prefix, signal: gone.signal}));
    return;
  }
  ctx.type = 'application/x-ndjson';
  const lines: string[] = [];
  for await (const recorded of journal.scan(prefix, {after})) {
    if (lines.push(`${JSON.stringify(plainFact(recorded))}\n`) === mostFacts) break;
  }
  ctx.body = lines.join('');
}

/** @see https://html.spec.whatwg.org/multipage/server-sent-events.html */
async function* events(journal: JournalReader, {after, prefix, signal}: {after: Position; prefix: string; signal: AbortSignal}) {
  yield ': facts\n\n'; // so that the head leaves at once
  for await (const recorded of journal.follow({after, signal})) {
    if (!recorded.stream.startsWith(prefix)) continue;
    yield `id: ${recorded.position}\nevent: ${recorded.fact.type}\ndata: ${JSON.stringify(plainFact(recorded))}\n\n`;
  }
}
