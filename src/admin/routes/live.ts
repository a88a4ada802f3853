import type {JournalReader} from '../../journal.ts';
import {invocationStatuses, prefix} from '../../projections/invocations.ts';
import {Refusal, type Route} from '../../route.ts';
import type {JournalDesk} from '../reading/desk.ts';
import {type StreamHouse, streamEvents} from '../reading/event-stream.ts';
import {LiveInvocations} from '../reading/live.ts';
import {described} from './described.ts';

/** `GET /api/invocations/live`: invocations as they begin and end. */
export function liveInvocationsRoute(house: StreamHouse & {readonly journal: JournalReader}, desk: JournalDesk): Route {
  return {
    method: 'GET',
    path: '/api/invocations/live',
    described: described('liveInvocations'),
    query: 'status=<status>&source=<source>&with=request',
    doc: 'An event stream: each invocation when it begins, and again when it is over, as rows of the list. Under load the newest 200 of each fifth of a second, 100 with what was asked, and how many more there were.',
    async run(call) {
      const {query, response} = call;
      const status = query.get('status') ?? undefined;
      if (status !== undefined && !invocationStatuses.includes(status))
        throw new Refusal('BAD_REQUEST', `status: expected one of ${invocationStatuses.join(', ')}`);
      const live = new LiveInvocations(house.journal, {
        status,
        source: query.get('source') ?? undefined,
        withRequests: query.get('with') === 'request',
      });
      const left = desk.enter(response);
      response.setHeader('Cache-Control', 'no-store');
      const listening = await desk.join();
      let seen = listening.seen;
      try {
        await streamEvents(call, house, {
          name: 'invocations',
          left,
          async next(ms) {
            const {facts, after} = await listening.nextFacts(seen, prefix, {ms, signal: left});
            seen = after;
            return facts.length === 0 ? '' : live.write(facts);
          },
        });
      } finally {
        listening.leave();
      }
      return undefined;
    },
  };
}
