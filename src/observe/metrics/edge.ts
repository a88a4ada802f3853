import {Counter, Gauge, type Registry} from 'prom-client';
import type {Meter} from '../../meter.ts';
import {knownMethods} from '../methods.ts';
import {BoundPairs, Tallies} from './bound.ts';
import {Durations, seconds, type Timers} from './timers.ts';

type EdgeMeter = Pick<
  Meter,
  'requestStarted' | 'requestEnded' | 'connectionRefused' | 'pipelined' | 'connectionCut' | 'keySetFailed' | 'keySetAge'
>;

/** What happens at the public port: requests, their connections, and the keys that verify callers. */
export function edgeMetrics(registers: Registry[], timers: Timers): EdgeMeter {
  const tallies = new Tallies();
  new Counter({
    name: 'http_requests_total',
    help: 'Public requests answered.',
    labelNames: ['code', 'method'],
    registers,
    collect() {
      tallies.tell(this);
    },
  });
  const requestSeconds = new Durations({
    name: 'http_request_duration_seconds',
    help: 'Time from head to reply.',
    buckets: seconds,
    registers,
  });
  let requestsInFlight = 0;
  new Gauge({
    name: 'http_requests_in_flight',
    help: 'Public requests not yet answered.',
    registers,
    collect() {
      this.set(requestsInFlight);
    },
  });
  const connectionsRefused = new Counter({
    name: 'core_connections_refused_total',
    help: 'Connections of the public port that were closed when they came because too many were open.',
    registers,
  });
  const pipelined = new Counter({
    name: 'core_pipelined_connections_total',
    help: 'Connections that sent a request before the previous one was answered; they are read request by request.',
    registers,
  });
  const connectionsCut = new Counter({
    name: 'core_connections_cut_total',
    help: 'Connections that were cut off to free the memory that they held, by reason.',
    labelNames: ['reason'],
    registers,
  });
  for (const reason of ['slow-reader', 'slow-sender']) connectionsCut.labels(reason).inc(0);
  const keySetFailures = new Counter({
    name: 'core_key_set_failures_total',
    help: 'Times that the key set could not be fetched.',
    registers,
  });
  let keySetAge = () => 0;
  new Gauge({
    name: 'core_key_set_age_seconds',
    help: 'Time since the key set that verifies callers was fetched, or since the start if it never was; 0 without one.',
    aggregator: 'max', // the process with the oldest key set keeps its callers waiting
    registers,
    collect() {
      this.set(keySetAge());
    },
  });

  const requestCounters = new BoundPairs((method: string, status: number) => tallies.of({code: String(status), method}));
  const timeRequest = timers.timer(requestSeconds.of({}), 'http_request_duration_seconds');

  return {
    requestStarted: () => void requestsInFlight++,
    requestEnded(method, status, elapsed, exemplar) {
      const label = knownMethods.has(method) ? method : 'other';
      requestsInFlight--;
      requestCounters.of(label, status).untold++;
      timeRequest(elapsed, exemplar);
    },
    connectionRefused: () => connectionsRefused.inc(),
    pipelined: () => pipelined.inc(),
    connectionCut: reason => connectionsCut.labels(reason).inc(),
    keySetFailed: () => keySetFailures.inc(),
    keySetAge(seconds) {
      keySetAge = seconds;
    },
  };
}
