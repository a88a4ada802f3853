import type {Clock} from '../../clock.ts';
import type {Position, Recorded} from '../../journal.ts';
import type {Budget} from '../../limits/budget.ts';
import type {Meter} from '../../meter.ts';
import {plainFact} from '../../projections/plain.ts';
import {type Call, Refusal, type Route} from '../../route.ts';
import type {JournalDesk} from '../reading/desk.ts';
import {send} from '../reading/patience.ts';

export interface FactsHouse {
  readonly clock: Clock;
  readonly budget: Budget;
  readonly metrics: {readonly meter: Pick<Meter, 'readerRefused'>};
}

/** Most characters of an answer that is not a stream. */
const mostCharacters = 2 ** 20;
/** Proxies take a stream for dead when nothing comes for a while. */
const commentMs = 15_000;

/** The facts of the journal. Server-sent events go on with new facts. */
export function factsRoute(house: FactsHouse, desk: JournalDesk): Route {
  return {
    method: 'GET',
    path: '/api/facts',
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
      await stream(call, wish, desk, house);
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

async function stream({request, response}: Call, {after, prefix, left}: Wish, desk: JournalDesk, house: FactsHouse): Promise<void> {
  const {clock, budget, metrics} = house;
  const listening = await desk.join();
  const hold = budget.open('stream');
  const cutOff = () => metrics.meter.readerRefused('slow');
  const write = (text: string) => {
    hold.set(response.writableLength + text.length);
    return send(response, text, clock, cutOff);
  };
  try {
    response.writeHead(200, {'Content-Type': 'text/event-stream'});
    if (request.method === 'HEAD') return void response.end();
    let seen = after;
    let goesOn = await write(': facts\n\n'); // so that the head leaves at once
    for (let saidAt = clock.monotonic(); goesOn && !left.aborted; ) {
      const quietMs = clock.monotonic() - saidAt;
      const next = await listening.next(seen, prefix, {ms: Math.max(0, commentMs - quietMs), signal: left});
      seen = next.after;
      const isQuiet = clock.monotonic() - saidAt >= commentMs;
      const text = next.text || (isQuiet ? ': no news\n\n' : '');
      if (text === '') continue;
      goesOn = await write(text);
      hold.set(response.writableLength);
      saidAt = clock.monotonic();
    }
  } finally {
    hold.release();
    listening.leave();
  }
}
