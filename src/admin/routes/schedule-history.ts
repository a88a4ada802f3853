import type {Clock} from '../../clock.ts';
import type {JournalReader} from '../../journal.ts';
import {scheduleHistory} from '../../projections/schedule-history.ts';
import {Refusal, type Route} from '../../route.ts';
import type {JournalDesk} from '../reading/desk.ts';
import {described} from './described.ts';

const mostOccurrences = 200;

/** `GET /api/schedules/<name>/history`: what became of its occurrences, also of a schedule that does not exist any more. */
export function scheduleHistoryRoute({journal, clock}: {readonly journal: JournalReader; readonly clock: Clock}, desk: JournalDesk): Route {
  return {
    method: 'GET',
    path: '/api/schedules/<name>/history',
    described: described('scheduleHistory'),
    query: 'limit=<count>',
    doc: 'What became of the occurrences of a schedule, the newest first.',
    run({name, query, response}) {
      const limit = Number(query.get('limit') ?? 50);
      if (!Number.isInteger(limit) || limit < 1 || limit > mostOccurrences)
        throw new Refusal('BAD_REQUEST', `limit: expected 1 to ${mostOccurrences}`);
      return desk.answer(response, async () => ({occurrences: await scheduleHistory(journal, name, limit, clock.now())}));
    },
  };
}
