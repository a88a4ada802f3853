import {Refusal, type Route} from '../../src/route.ts';
import {type Schedules, unknownSchedule} from './schedules.ts';

const codes = {unknown: 'NOT_FOUND', invalid: 'BAD_REQUEST', conflict: 'CONFLICT'} as const;

/** `GET /api/schedules` and `POST /api/schedules/<name>/fire?at=<time>`, which answers when the function has. */
export function scheduleRoutes(schedules: () => Schedules): Route[] {
  return [
    {
      method: 'GET',
      path: '/api/schedules',
      described: async () => (await import('./answers.ts')).answers.list,
      doc: 'The schedules, with the next five occurrences of each.',
      run: async () => ({body: {schedules: await schedules().list()}}),
    },
    pauseRoute('pause', 'Lets a schedule fire only by hand, until it is resumed; that outlives the core.'),
    pauseRoute('resume', 'Lets a paused schedule fire by time again. What fell into the pause is not run afterwards.'),
    {
      method: 'POST',
      path: '/api/schedules/<name>/fire',
      described: async () => (await import('./answers.ts')).answers.fire,
      query: 'at=<time>',
      doc: 'Runs a schedule now, or the occurrence of a time that was missed, and answers when the function has, or when work has it.',
      async run({name, query}) {
        const at = query.get('at');
        const outcome = await schedules().fire(name, at === null ? undefined : parseTime(at));
        if (!('refused' in outcome)) return {status: outcome.waits || outcome.handedOn ? 202 : 200, body: outcome};
        throw new Refusal(codes[outcome.why], outcome.refused, {details: outcome});
      },
    },
  ];

  function pauseRoute(act: 'pause' | 'resume', doc: string): Route {
    return {
      method: 'POST',
      path: `/api/schedules/<name>/${act}`,
      described: async () => (await import('./answers.ts')).answers.pause,
      doc,
      async run({name}) {
        const open = schedules();
        const state = await open.pause(name, act === 'pause');
        if (state) return {body: state};
        const known = (await open.list()).map(schedule => schedule.name);
        throw new Refusal('NOT_FOUND', unknownSchedule(name, known).refused);
      },
    };
  }
}

/** ISO 8601 with its offset. @throws Refusal */
function parseTime(given: string): number {
  const isWritten = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/.test(given);
  const time = isWritten ? Date.parse(given) : Number.NaN;
  if (!Number.isNaN(time)) return time;
  const refused = `expected a time such as 2026-03-29T02:30:00Z, got \`${given}\``;
  throw new Refusal('BAD_REQUEST', refused, {details: {why: 'invalid', refused}});
}
