import type {Position, Recorded} from '../../journal.ts';
import {plainFact} from '../../projections/plain.ts';
import {type Call, Refusal, type Route} from '../../route.ts';
import type {JournalDesk} from '../reading/desk.ts';
import {type StreamHouse, streamEvents} from '../reading/event-stream.ts';
import {described} from './described.ts';

/** Most characters of an answer that is not a stream. */
const mostCharacters = 2 ** 20;

/** The facts of the journal. Server-sent events go on with new facts. */
export function factsRoute(house: StreamHouse, desk: JournalDesk): Route {
  return {
    method: 'GET',
    path: '/api/facts',
    described: described('facts'),
    query: 'after=<position>&stream=<prefix>',
    doc: 'The facts of the journal as JSON lines, 1,000 or a mebibyte at most. With `Accept: text/event-stream` the answer goes on with new facts.',
    async run(call) {
      const {query, response} = call;
      const after = Number(call.get('last-event-id') || query.get('after') || 0);
      if (!Number.isInteger(after) || after < 0) throw new Refusal('BAD_REQUEST', 'after: expected a position');
      const left = desk.enter(response);
      response.setHeader('Cache-Control', 'no-store');
      const wish = {after, prefix: query.get('stream') ?? '', left};
      const isStream = call.accepts('application/x-ndjson', 'text/event-stream') === 'text/event-stream';
      if (!isStream) return desk.answerPage({...wish, write: writeLine, most: mostCharacters}, 'application/x-ndjson', left);
      await streamFacts(call, wish, desk, house);
      return undefined;
    },
  };
}

const writeLine = (recorded: Recorded) => `${JSON.stringify(plainFact(recorded))}\n`;

interface Wish {
  readonly after: Position;
  readonly prefix: string;
  /** Aborted when the caller is gone. */
  readonly left: AbortSignal;
}

async function streamFacts(call: Call, {after, prefix, left}: Wish, desk: JournalDesk, house: StreamHouse): Promise<void> {
  const listening = await desk.join();
  let seen = after;
  try {
    await streamEvents(call, house, {
      name: 'facts',
      left,
      async next(ms) {
        const next = await listening.next(seen, prefix, {ms, signal: left});
        seen = next.after;
        return next.text;
      },
    });
  } finally {
    listening.leave();
  }
}
