import type {Clock} from '../../clock.ts';
import type {Budget} from '../../limits/budget.ts';
import type {Meter} from '../../meter.ts';
import type {Call} from '../../route.ts';
import {send} from './patience.ts';

export interface StreamHouse {
  readonly clock: Clock;
  readonly budget: Budget;
  readonly metrics: {readonly meter: Pick<Meter, 'readerRefused'>};
}

/** What a stream of server-sent events carries. */
export interface Events {
  /** Its first comment, which lets the head leave at once. */
  readonly name: string;
  /** Aborted when the caller is gone. */
  readonly left: AbortSignal;
  /** Waits so long for the next events; '' when none came. */
  next(ms: number): Promise<string>;
}

/** Proxies take a stream for dead when nothing comes for a while. */
const commentMs = 15_000;

/** Answers with server-sent events until the caller leaves, reads too slowly, or is signed out. */
export async function streamEvents({request, response, isStillLetIn}: Call, house: StreamHouse, {name, left, next}: Events): Promise<void> {
  const {clock, budget, metrics} = house;
  const hold = budget.open('stream');
  const cutOff = () => metrics.meter.readerRefused('slow');
  const write = (text: string) => {
    hold.set(response.writableLength + text.length);
    return send(response, text, clock, cutOff);
  };
  try {
    response.writeHead(200, {'Content-Type': 'text/event-stream', 'X-Content-Type-Options': 'nosniff'});
    if (request.method === 'HEAD') return void response.end();
    let goesOn = await write(`: ${name}\n\n`);
    for (let saidAt = clock.monotonic(); goesOn && !left.aborted; ) {
      const quietMs = clock.monotonic() - saidAt;
      const news = await next(Math.max(0, commentMs - quietMs));
      if (left.aborted) return;
      if (!isStillLetIn()) return void response.end();
      const isQuiet = clock.monotonic() - saidAt >= commentMs;
      const text = news || (isQuiet ? ': no news\n\n' : '');
      if (text === '') continue;
      goesOn = await write(text);
      hold.set(response.writableLength);
      saidAt = clock.monotonic();
    }
  } finally {
    hold.release();
  }
}
