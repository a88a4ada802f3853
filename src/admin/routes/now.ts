import type {Clock} from '../../clock.ts';
import {isoStamp} from '../../clock.ts';
import {type Recent, windows} from '../../observe/recent/recent.ts';
import {Refusal, type Route} from '../../route.ts';
import type {Readiness} from '../readiness.ts';
import {described} from './described.ts';

export interface NowHouse {
  readonly clock: Clock;
  readonly recent: Recent;
  readonly readiness: () => Readiness | Promise<Readiness>;
  /** What the core is, and what it may hold: texts and numbers that hardly change. */
  readonly about: () => About;
}

export interface About {
  readonly function: {
    readonly name: string;
    readonly version: string;
    readonly handler: string;
    readonly language: string;
    readonly public: boolean;
    /** Where it answers; absent until the port is open. */
    readonly url?: string;
  };
  readonly core: {
    readonly version: string;
    readonly node: string;
    readonly pid: number;
    readonly startedAt: string;
    readonly processes: number;
    readonly processesUp: number;
  };
  readonly journal: {
    /** What is kept of HTTP invocations. */
    readonly http: 'off' | 'facts' | 'full';
    /** True when facts outlive the process. */
    readonly durable: boolean;
    /** Where it is, as CORE_JOURNAL would name it. */
    readonly location?: string;
  };
  /** True when callers may send work. */
  readonly work: boolean;
  /** True when there are triggers for messages. */
  readonly messages: boolean;
  readonly queueLongest: number;
  readonly subRuntimesWanted: number;
  readonly maxHeldBytes: number;
  readonly limitBytes: number;
}

/** `GET /api/now` and `GET /api/history`: what the core does, without a Prometheus. */
export function nowRoutes({clock, recent, readiness, about}: NowHouse): Route[] {
  return [
    {
      method: 'GET',
      path: '/api/now',
      described: described('now'),
      doc: 'What the core does now: rates a second, times, queue, processes, memory, and what it is.',
      async run() {
        const [{figures, row}, state] = await Promise.all([recent.now(), readiness()]);
        const {queueLongest, subRuntimesWanted, maxHeldBytes, limitBytes, ...rest} = about();
        const {requests, errors, invocations, failures, otherCalls, otherFailures, restarts, coldStarts} = figures;
        const {coreBytes, functionBytes, heldBytes} = figures;
        return {
          body: {
            at: isoStamp(clock.now()),
            ...rest,
            readiness: state,
            rates: {
              requests: round(row.requests),
              errors: round(row.errors),
              invocations: round(row.invocations),
              failures: round(row.failures),
              overMs: Math.round(row.overMs),
            },
            times: {p50Ms: round(row.p50Ms), p99Ms: round(row.p99Ms)},
            queue: {waiting: figures.waiting, inFlight: figures.inFlight, longest: queueLongest},
            subRuntimes: {ready: figures.subRuntimesReady, wanted: subRuntimesWanted},
            memory: {coreBytes, functionBytes, heldBytes, maxHeldBytes, limitBytes},
            totals: {requests, errors, invocations, failures, otherCalls, otherFailures, restarts, coldStarts},
          },
        };
      },
    },
    {
      method: 'GET',
      path: '/api/history',
      described: described('history'),
      query: 'window=<window>',
      doc: 'The same over the last hour in steps of 10 s, or over the last minute in steps of 1 s as far as somebody has asked, as columns.',
      run({query}) {
        const window = query.get('window') ?? '1h';
        if (!isWindow(window)) throw new Refusal('BAD_REQUEST', `window: expected one of ${Object.keys(windows).join(', ')}`);
        return {body: recent.history(window)};
      },
    },
  ];
}

const isWindow = (given: string): given is keyof typeof windows => Object.hasOwn(windows, given);
const round = (value: number | undefined) => (value === undefined ? null : Math.round(value * 1000) / 1000);
