import http from 'node:http';
import {systemClock} from '../../src/clock.ts';

/** How a call ended. Refused: nobody listened. Lost: the connection ended without an answer. Hung: none came for 30 s. */
export type Outcome = 'good' | 'badGateway' | 'unavailable' | 'late' | 'other' | 'refused' | 'lost' | 'hung';

export interface Asked {
  readonly method?: string;
  readonly body?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Offered extends Asked {
  readonly perSecond: number;
  /** What follows the gateway's URL. */
  readonly path: string;
}

export interface Told {
  readonly outcomes: ReadonlyMap<Outcome, number>;
  /** Why connections ended without an answer, as the system says it. */
  readonly causes: ReadonlyMap<string, number>;
  readonly slowestMs: number;
  readonly gapMs: number;
}

export const hungMs = 30_000;
/** Calls of one turn of the event loop, and calls that wait for their answers: more would measure this process. */
const mostAtOnce = 50;
const mostOpen = 4000;
const byStatus: Readonly<Record<number, Outcome>> = {502: 'badGateway', 503: 'unavailable', 504: 'late'};

/** Calls at a rate that does not wait for answers, as far as this process can keep up, until `over` aborts; then waits for those that are on their way. */
export async function callAtRate(url: () => string, {perSecond, path, ...asked}: Offered, over: AbortSignal): Promise<Told> {
  const outcomes = new Map<Outcome, number>();
  const causes = new Map<string, number>();
  const open = new Set<Promise<unknown>>();
  const startedMs = systemClock.monotonic();
  let [slowestMs, gapMs, goodAtMs] = [0, 0, startedMs];
  const wait = () => {
    gapMs = Math.max(gapMs, systemClock.monotonic() - goodAtMs);
  };
  const send = async () => {
    const sinceMs = systemClock.monotonic();
    const outcome = await call(`${url()}${path}`, asked, cause => count(causes, cause));
    count(outcomes, outcome);
    slowestMs = Math.max(slowestMs, systemClock.monotonic() - sinceMs);
    if (outcome !== 'good') return;
    wait();
    goodAtMs = systemClock.monotonic();
  };
  for (let sent = 0; !over.aborted; await systemClock.sleep(2)) {
    const due = Math.floor(((systemClock.monotonic() - startedMs) / 1000) * perSecond);
    const fitting = Math.min(due - sent, mostAtOnce, mostOpen - open.size);
    for (let calls = 0; calls < fitting; calls++) {
      const answered = send().finally(() => open.delete(answered));
      open.add(answered);
    }
    sent = due; // what this process was too slow for is not made up for: it would be slower still
  }
  wait();
  await Promise.all(open);
  return {outcomes, causes, slowestMs, gapMs};
}

const count = <Name>(counts: Map<Name, number>, name: Name) => counts.set(name, (counts.get(name) ?? 0) + 1);

/** One call over a connection of its own. Never rejects. `onLost` is told why the connection ended without an answer. */
export function call(
  url: string,
  {method = 'GET', body, headers = {}}: Asked = {},
  onLost: (cause: string) => void = () => {},
): Promise<Outcome> {
  return new Promise(resolve => {
    const length = body === undefined ? {} : {'Content-Length': Buffer.byteLength(body)};
    const request = http.request(url, {method, agent: false, headers: {...length, ...headers}});
    const stopTimer = systemClock.after(hungMs, () => {
      resolve('hung');
      request.destroy();
    });
    const end = (outcome: Outcome) => {
      stopTimer();
      resolve(outcome);
    };
    const lose = ({code = '', message, syscall = ''}: NodeJS.ErrnoException) => {
      if (code === 'ECONNREFUSED') return end('refused');
      end('lost');
      onLost(`${syscall} ${code || message}`.trim());
    };
    request.on('error', lose);
    request.once('response', response => {
      const {statusCode: status = 0} = response;
      response.once('error', lose);
      response.once('end', () => end(status < 300 ? 'good' : (byStatus[status] ?? 'other')));
      response.resume();
    });
    request.end(body);
  });
}
