import type {Clock} from '../clock.ts';
import type {JournalReader, Position, Recorded} from '../journal.ts';
import type {Budget} from '../limits/budget.ts';
import type {Meter} from '../meter.ts';
import {plainFact} from '../projections/plain.ts';
import {Feed} from './feed.ts';
import type {Pages} from './pages.ts';
import {send} from './patience.ts';
import {charge, type Readers} from './readers.ts';
import {Refusal} from './refusal.ts';
import type {Call, Route} from './routes.ts';

export interface FactsHouse {
  readonly journal: JournalReader;
  readonly clock: Clock;
  readonly budget: Budget;
  readonly meter: Pick<Meter, 'readerRefused'>;
  readonly readers: Readers;
  readonly pages: Pages;
}

/** Characters of an answer that does not go on. */
const mostCharacters = 2 ** 20;
/** A proxy takes a stream that says nothing for dead. */
const commentMs = 15_000;

/** `GET /api/facts?after=<position>&stream=<prefix>`: JSON lines; as server-sent events it goes on with new facts. */
export function factsRoute(house: FactsHouse): Route {
  const {readers, pages} = house;
  const feed = new Feed({...house, page: (wish, left) => pages.read(wish, left)});
  return {
    method: 'GET',
    path: '/api/facts',
    async run(call) {
      const {ctx, query} = call;
      const after = Number(ctx.get('last-event-id') || query.get('after') || 0);
      if (!Number.isInteger(after) || after < 0) throw new Refusal('BAD_REQUEST', 'after: expected a position');
      const left = readers.enter(ctx.res);
      ctx.set('Cache-Control', 'no-store');
      const wish = {after, prefix: query.get('stream') ?? '', left};
      const isStream = ctx.accepts('application/x-ndjson', 'text/event-stream') === 'text/event-stream';
      if (isStream) await stream(call, wish, feed, house);
      else await page(call, wish, house);
    },
  };
}

interface Wish {
  readonly after: Position;
  readonly prefix: string;
  /** Aborted when the caller is gone. */
  readonly left: AbortSignal;
}

async function page({ctx}: Call, {after, prefix, left}: Wish, {pages, budget}: FactsHouse): Promise<void> {
  const {text} = await pages.read({prefix, after, write: writeLine, most: mostCharacters}, left);
  charge(text, budget, left);
  ctx.type = 'application/x-ndjson';
  ctx.body = text;
}

const writeLine = (recorded: Recorded) => `${JSON.stringify(plainFact(recorded))}\n`;

async function stream({ctx}: Call, {after, prefix, left}: Wish, feed: Feed, {clock, budget, meter}: FactsHouse): Promise<void> {
  const {req, res} = ctx;
  const listening = await feed.join();
  const hold = budget.open('stream');
  const cutOff = () => meter.readerRefused('slow');
  const write = (text: string) => {
    hold.set(res.writableLength + text.length);
    return send(res, text, clock, cutOff);
  };
  try {
    ctx.respond = false;
    res.writeHead(200, {'Content-Type': 'text/event-stream'});
    if (req.method === 'HEAD') return void res.end();
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
      hold.set(res.writableLength);
      saidAt = clock.monotonic();
    }
  } finally {
    hold.release();
    listening.leave();
  }
}
