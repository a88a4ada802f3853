import type Koa from 'koa';
import type {Schedules} from '../trigger.ts';

const statuses = {unknown: 404, invalid: 400, conflict: 409} as const;

/** `GET /api/schedules` and `POST /api/schedules/<name>/fire?at=<time>`, which answers when the function has. */
export async function actOnSchedules(ctx: Koa.Context, schedules: Schedules | undefined): Promise<void> {
  if (!schedules) return ctx.throw(503);
  if (ctx.path === '/api/schedules') {
    if (ctx.method !== 'GET') ctx.throw(405);
    ctx.body = {schedules: schedules.list()};
    return;
  }
  const [, name] = /^\/api\/schedules\/([^/]+)\/fire$/.exec(ctx.path) ?? [];
  if (name === undefined) return ctx.throw(404);
  if (ctx.method !== 'POST') ctx.throw(405);
  const {at} = ctx.query;
  const time = at === undefined ? undefined : parseTime(String(at));
  const outcome =
    time !== undefined && Number.isNaN(time)
      ? ({why: 'invalid', refused: `expected a time such as 2026-03-29T02:30:00Z, got \`${at}\``} as const)
      : await schedules.fire(name, time);
  ctx.status = 'refused' in outcome ? statuses[outcome.why] : 200;
  ctx.body = outcome;
}

/** ISO 8601 with its offset; NaN for anything else. */
function parseTime(given: string): number {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/.test(given) ? Date.parse(given) : Number.NaN;
}
