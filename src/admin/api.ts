import {Readable} from 'node:stream';
import type Koa from 'koa';
import type {Clock} from '../clock.ts';
import type {Journal, JournalReader, Position} from '../journal.ts';
import {explainInvocation} from '../projections/explanation.ts';
import {invocationStatuses, listInvocations, usualSince} from '../projections/invocations.ts';
import {plainExplanation, plainFact} from '../projections/plain.ts';
import {parseDuration} from '../setting.ts';
import {keepComparisons} from './replays.ts';

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
export async function answerApi(ctx: Koa.Context, options: ApiOptions): Promise<void> {
  if (ctx.path === '/api/reload') {
    if (ctx.method !== 'POST') ctx.throw(405);
    return reload(ctx, options);
  }
  if (ctx.path === '/api/replays') {
    if (ctx.method !== 'POST') ctx.throw(405);
    return keepComparisons(ctx, options.journal);
  }
  const [, id] = /^\/api\/invocations\/([^/]+)$/.exec(ctx.path) ?? [];
  if (id === undefined && ctx.path !== '/api/facts' && ctx.path !== '/api/invocations') ctx.throw(404);
  if (ctx.method !== 'GET' && ctx.method !== 'HEAD') ctx.throw(405);
  if (id !== undefined) return explain(ctx, id, options);
  return ctx.path === '/api/facts' ? facts(ctx, options) : list(ctx, options);
}

async function reload(ctx: Koa.Context, options: ApiOptions): Promise<void> {
  const problem = await options.reload();
  ctx.status = problem === undefined ? 200 : 409;
  ctx.body = problem === undefined ? {reloaded: true} : {reloaded: false, cause: problem};
}

async function explain(ctx: Koa.Context, id: string, {journal}: ApiOptions): Promise<void> {
  const explanation = await explainInvocation(journal, id);
  if (!explanation) ctx.throw(404, 'nothing is known of it; refused requests are not kept');
  ctx.body = plainExplanation(explanation);
}

async function list(ctx: Koa.Context, {journal, clock}: ApiOptions): Promise<void> {
  const status = one(ctx.query.status);
  const sinceMs = parseDuration(one(ctx.query.since) ?? usualSince);
  const limit = Number(one(ctx.query.limit) ?? 100);
  if (status !== undefined && !invocationStatuses.includes(status))
    ctx.throw(400, `status: expected one of ${invocationStatuses.join(', ')}`);
  if (sinceMs === undefined) ctx.throw(400, 'since: expected a duration such as 15m');
  if (!Number.isInteger(limit) || limit < 1 || limit > mostInvocations) ctx.throw(400, `limit: expected 1 to ${mostInvocations}`);
  const now = clock.now();
  ctx.body = {invocations: await listInvocations(journal, {status, since: now - sinceMs, now, limit})};
}

async function facts(ctx: Koa.Context, {journal}: ApiOptions): Promise<void> {
  const after = Number(ctx.get('last-event-id') || one(ctx.query.after) || 0);
  if (!Number.isInteger(after) || after < 0) ctx.throw(400, 'after: expected a position');
  const prefix = one(ctx.query.stream) ?? '';
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

const one = (value: string | string[] | undefined) => (Array.isArray(value) ? value[0] : value);
