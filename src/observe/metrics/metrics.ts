import {Counter, Gauge, Histogram, Registry} from 'prom-client';
import type {Clock} from '../../clock.ts';
import type {ExitReason} from '../../facts.ts';
import {type HeldKind, heldKinds} from '../../limits/budget.ts';
import type {Meter} from '../../meter.ts';
import {Shared} from '../shared.ts';
import {Exemplars} from './exemplars.ts';
import {type Family, openMetricsType, prefersOpenMetrics, writeOpenMetrics, writePlain} from './open-metrics.ts';
import {sumFamilies} from './sum.ts';

/** Every metric name, label and bucket of the project is spelled here. */
export interface Metrics {
  readonly meter: Meter;
  /** Events so far. */
  counts(): Counts;
  /** What Prometheus scrapes: with exemplars for whoever accepts OpenMetrics, else plain text. */
  scrape(accept: string): Promise<Exposition>;
  /** The same as data, for the process that leads this one. */
  families(): Promise<readonly Family[]>;
}

export interface Exposition {
  readonly contentType: string;
  readonly body: string;
}

/** Accepted = completed + handed back + lost. Lost is what was cut off; while the stop goes on, also what is in flight. */
export interface DrainReport {
  readonly accepted: number;
  readonly completed: number;
  readonly handedBack: number;
  readonly lost: number;
}

export interface Counts {
  readonly accepted: number;
  readonly settled: number;
  /** Settled, and never reached the function. */
  readonly handedBack: number;
  /** Settled, and its process went away during the call. */
  readonly broken: number;
  /** Replies that were cut off, by whether they were settled before the stop began. */
  readonly cutOff: {readonly before: number; readonly since: number};
}

export interface Gauges {
  /** Sub-runtimes that can take a call now. */
  runtimesUp(): number;
  /** Processes that exist, of each place in the pool. */
  runtimeProcesses(): readonly number[];
  /** Resident bytes of the sub-runtimes; 0 where the system does not tell. */
  runtimesResidentBytes(): number;
  bytesHeld(kind: HeldKind): number;
  /** True while facts survive the process. */
  isDurable(): boolean;
  /** What became of the events since the stop began; undefined before. */
  drain(): DrainReport | undefined;
  /** Processes of this core that serve. */
  processesUp(): number;
  /** What the other processes of this core counted; undefined when there is none. */
  others(): Promise<readonly (readonly Family[])[]> | undefined;
}

const linesDroppedName = 'core_log_lines_dropped_total';

/** The log lines that some processes have dropped, as they counted them. */
export const linesLostIn = (families: readonly Family[]): number =>
  families.filter(({name}) => name === linesDroppedName).reduce((sum, {values}) => sum + (values[0]?.value ?? 0), 0);

const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
/** A series that exists from the start: of one that appears with its first event, Prometheus cannot tell the increase. */
const fromTheStart = {
  restarts: ['exit-zero', 'exit-nonzero', 'signal', 'oom', 'unspawnable', 'never-ready', 'stuck', 'reloaded', 'stopped'],
  readersRefused: ['full', 'slow'],
  spansDropped: ['queue_full', 'not_taken', 'stopped'],
  connectionsCut: ['slow-reader', 'slow-sender'],
  processes: ['exit-zero', 'exit-nonzero', 'signal', 'unspawnable', 'never-ready', 'stuck'],
} satisfies {restarts: ExitReason[]; spansDropped: string[]; readersRefused: string[]; connectionsCut: string[]; processes: ExitReason[]};

const knownMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT']);

export function openMetrics(version: string, gauges: Gauges, clock: Pick<Clock, 'now' | 'monotonic' | 'after'>): Metrics {
  const registry = new Registry();
  const registers = [registry];

  const requests = new Counter({
    name: 'http_requests_total',
    help: 'Public requests answered.',
    labelNames: ['code', 'method'],
    registers,
  });
  const requestSeconds = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from head to reply.',
    buckets: seconds,
    registers,
  });
  const requestsInFlight = new Gauge({
    name: 'http_requests_in_flight',
    help: 'Public requests not yet answered.',
    registers,
  });
  const connectionsRefused = new Counter({
    name: 'core_connections_refused_total',
    help: 'Connections of the public port that were closed as they came, as too many were open.',
    registers,
  });
  const invocations = new Counter({
    name: 'faas_invocations_total',
    help: 'Events that went through the stages.',
    labelNames: ['trigger', 'outcome'],
    registers,
  });
  const invokeSeconds = new Histogram({
    name: 'faas_invoke_duration_seconds',
    help: 'Time of an event in the stages.',
    labelNames: ['trigger'],
    buckets: seconds,
    registers,
  });
  const initSeconds = new Histogram({
    name: 'faas_init_duration_seconds',
    help: 'Time from fork to ready.',
    buckets: seconds,
    registers,
  });
  const coldStarts = new Counter({
    name: 'faas_coldstarts_total',
    help: 'Events that waited for a sub-runtime to start.',
    registers,
  });
  const timeouts = new Counter({name: 'faas_timeouts_total', help: 'Events whose deadline passed.', registers});
  const errors = new Counter({
    name: 'faas_errors_total',
    help: 'Faults by their public code.',
    labelNames: ['code'],
    registers,
  });
  const queueDepth = new Gauge({name: 'core_queue_depth', help: 'Events waiting for a sub-runtime.', registers});
  const queueSeconds = new Histogram({
    name: 'core_queue_wait_seconds',
    help: 'Time waited for a sub-runtime.',
    buckets: seconds,
    registers,
  });
  const restarts = new Counter({
    name: 'core_runtime_restarts_total',
    help: 'Sub-runtime exits by reason.',
    labelNames: ['reason'],
    registers,
  });
  const processRestarts = new Counter({
    name: 'core_processes_restarts_total',
    help: 'Core processes beside the first that ended and were started again, by reason.',
    labelNames: ['reason'],
    registers,
  });
  const trials = new Counter({
    name: 'core_runtime_trials_total',
    help: 'Starts that were tried of a sub-runtime that had been given up.',
    registers,
  });
  const linesDropped = new Counter({
    name: linesDroppedName,
    help: 'Log lines that were not written: past the budget of the function, or not taken by our output.',
    registers,
  });
  const spansDropped = new Counter({
    name: 'core_spans_dropped_total',
    help: 'Spans that did not reach the collector, by why.',
    labelNames: ['reason'],
    registers,
  });
  const pipelined = new Counter({
    name: 'core_pipelined_connections_total',
    help: 'Connections that sent a request before the one before it was answered; they are read request by request.',
    registers,
  });
  const connectionsCut = new Counter({
    name: 'core_connections_cut_total',
    help: 'Connections that were cut off so that the memory they held is there for others, by why.',
    labelNames: ['reason'],
    registers,
  });
  const appendSeconds = new Histogram({
    name: 'core_journal_append_seconds',
    help: 'Time of an append to the journal.',
    buckets: seconds,
    registers,
  });
  const scheduleLag = new Histogram({
    name: 'core_schedule_lag_seconds',
    help: 'Time from the moment an occurrence was due until the function was called.',
    labelNames: ['schedule'],
    buckets: seconds,
    registers,
  });
  const scheduleWaiting = new Gauge({
    name: 'core_schedule_waiting',
    help: 'Occurrences that did not reach the function yet and are delivered again.',
    labelNames: ['schedule'],
    registers,
  });
  const scheduleNext = new Gauge({
    name: 'core_schedule_next_timestamp_seconds',
    help: 'When the next occurrence is due, jitter included; in the past while it is late.',
    labelNames: ['schedule'],
    registers,
  });
  const scheduleHeld = new Gauge({
    name: 'core_schedule_held',
    help: '1 while occurrences are passed over, as they were fired before their time by a clock that was ahead.',
    labelNames: ['schedule'],
    registers,
  });
  const scheduleMissed = new Counter({
    name: 'core_schedule_missed_total',
    help: 'Occurrences that nobody ran, by why.',
    labelNames: ['schedule', 'reason'],
    registers,
  });
  const shed = new Counter({
    name: 'core_journal_shed_total',
    help: 'Facts, and recorded requests and replies (payloads), that were dropped: the journal could not keep up, could not be written, or had no room.',
    labelNames: ['kind'],
    registers,
  });
  const keySetFailures = new Counter({
    name: 'core_key_set_failures_total',
    help: 'Times that the key set could not be fetched.',
    registers,
  });

  const readers = new Gauge({name: 'core_admin_readers', help: 'Callers that read the journal through the private listener.', registers});
  const readersRefused = new Counter({
    name: 'core_admin_readers_refused_total',
    help: 'Callers of the private listener that were refused as too many read the journal, or cut off as they read too slowly.',
    labelNames: ['reason'],
    registers,
  });

  for (const reason of fromTheStart.readersRefused) readersRefused.labels(reason).inc(0);
  const [shedFacts, shedPayloads] = [shed.labels('facts'), shed.labels('payloads')];
  shedFacts.inc(0);
  shedPayloads.inc(0);
  for (const reason of fromTheStart.restarts) restarts.labels(reason).inc(0);
  for (const reason of fromTheStart.processes) processRestarts.labels(reason).inc(0);
  for (const reason of fromTheStart.connectionsCut) connectionsCut.labels(reason).inc(0);
  for (const reason of fromTheStart.spansDropped) spansDropped.labels(reason).inc(0);

  new Gauge({
    name: 'core_journal_durable',
    help: '1 while facts survive the process, 0 while they are in memory only or the journal takes no new work.',
    registers,
    collect() {
      this.set(gauges.isDurable() ? 1 : 0);
    },
  });
  new Gauge({
    name: 'core_processes_up',
    help: 'Core processes that serve.',
    registers,
    collect() {
      this.set(gauges.processesUp());
    },
  });
  new Gauge({
    name: 'core_runtime_up',
    help: 'Sub-runtimes that can take a call.',
    registers,
    collect() {
      this.set(gauges.runtimesUp());
    },
  });
  new Gauge({
    name: 'core_runtime_processes',
    help: 'Processes of sub-runtimes that exist, by place: the one that serves and its spare or successor.',
    labelNames: ['place'],
    registers,
    collect() {
      for (const [place, processes] of gauges.runtimeProcesses().entries()) this.set({place}, processes);
    },
  });
  new Gauge({
    name: 'core_runtime_resident_memory_bytes',
    help: 'Resident memory of the sub-runtimes.',
    registers,
    collect() {
      this.set(gauges.runtimesResidentBytes());
    },
  });
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory of the core.',
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Gauge({
    name: 'core_build_info',
    help: 'Version of the core and of its Node.',
    labelNames: ['version', 'node'],
    registers,
  })
    .labels(version, process.version)
    .set(1);

  new Gauge({
    name: 'core_drain_events',
    help: 'Events since the stop began, by what became of them; lost is in flight, or was cut off.',
    labelNames: ['outcome'],
    registers,
    collect() {
      const {accepted, completed, handedBack, lost} = gauges.drain() ?? {accepted: 0, completed: 0, handedBack: 0, lost: 0};
      this.set({outcome: 'accepted'}, accepted);
      this.set({outcome: 'completed'}, completed);
      this.set({outcome: 'handed_back'}, handedBack);
      this.set({outcome: 'lost'}, lost);
    },
  });

  new Gauge({
    name: 'core_inflight_bytes',
    help: 'Bytes held for callers, functions and readers, by what they are; CORE_INFLIGHT_BYTES bounds their sum.',
    labelNames: ['kind'],
    registers,
    collect() {
      for (const kind of heldKinds) this.set({kind}, gauges.bytesHeld(kind));
    },
  });

  let keySetAge = () => 0;
  new Gauge({
    name: 'core_key_set_age_seconds',
    help: 'Time since the key set that verifies callers was fetched, or since the start if it never was; 0 without one.',
    registers,
    collect() {
      this.set(keySetAge());
    },
  });

  let accepted = 0;
  let settled = 0;
  let inFlight = 0;
  let handedBack = 0;
  let broken = 0;
  const cutOff = {before: 0, since: 0};
  new Gauge({
    name: 'core_conservation_drift',
    help: 'Accepted minus settled minus in flight; anything but 0 means that work was lost.',
    registers,
    collect() {
      this.set(accepted - settled - inFlight);
    },
  });

  // Looking a label up costs more than counting: each pair is bound once.
  const requestCounters = new Map<string, Counter.Internal>();
  const invocationCounters = new Map<string, Counter.Internal>();
  const exemplars = new Map<string, Exemplars>();
  const timeRequest = timer(requestSeconds.labels(), 'http_request_duration_seconds_bucket');
  const invokeTimers = new Map<string, Timer>();
  const timeInvoke = (trigger: string) => timer(invokeSeconds.labels(trigger), `faas_invoke_duration_seconds_bucket ${trigger}`);

  const meter: Meter = {
    requestStarted: () => requestsInFlight.inc(),
    connectionRefused: () => connectionsRefused.inc(),
    requestEnded(method, status, elapsed, exemplar) {
      const label = knownMethods.has(method) ? method : 'other';
      requestsInFlight.dec();
      bound(requestCounters, `${label} ${status}`, () => requests.labels(String(status), label)).inc();
      timeRequest(elapsed, exemplar);
    },
    invocationEnded(trigger, outcome, elapsed, exemplar) {
      bound(invocationCounters, `${trigger} ${outcome}`, () => invocations.labels(trigger, outcome)).inc();
      bound(invokeTimers, trigger, () => timeInvoke(trigger))(elapsed, exemplar);
    },
    faulted(code) {
      errors.labels(code).inc();
      if (code === 'UPSTREAM_TIMEOUT') timeouts.inc();
    },
    accepted: () => void accepted++,
    settled(fault) {
      settled++;
      if (fault && !fault.reached) handedBack++;
      else if (fault?.code === 'UPSTREAM_LOST') broken++;
    },
    replyCut: wasSettled => void cutOff[wasSettled ? 'before' : 'since']++,
    pipelined: () => pipelined.inc(),
    connectionCut: reason => connectionsCut.labels(reason).inc(),
    inFlight(change) {
      inFlight += change;
    },
    coldStarted: () => coldStarts.inc(),
    queued: depth => queueDepth.set(depth),
    dequeued(depth, waited) {
      queueDepth.set(depth);
      queueSeconds.observe(waited);
    },
    runtimeReady: boot => initSeconds.observe(boot),
    runtimeExited: reason => restarts.labels(reason).inc(),
    processRestarted: reason => processRestarts.labels(reason).inc(),
    runtimeTried: () => trials.inc(),
    appended: elapsed => appendSeconds.observe(elapsed),
    scheduleFired: (schedule, lag) => scheduleLag.labels(schedule).observe(lag),
    scheduleWaits: (schedule, occurrences) => scheduleWaiting.labels(schedule).set(occurrences),
    scheduleNext(schedule, at) {
      if (at === undefined) scheduleNext.remove(schedule);
      else scheduleNext.labels(schedule).set(at / 1000);
    },
    scheduleHeld: (schedule, isHeld) => scheduleHeld.labels(schedule).set(isHeld ? 1 : 0),
    scheduleMissed: (schedule, reason, occurrences) => scheduleMissed.labels(schedule, reason).inc(occurrences),
    shed: facts => shedFacts.inc(facts),
    payloadsShed: payloads => shedPayloads.inc(payloads),
    keySetFailed: () => keySetFailures.inc(),
    keySetAge(seconds) {
      keySetAge = seconds;
    },
    linesDropped: lines => linesDropped.inc(lines),
    readers: count => readers.set(count),
    readerRefused: reason => readersRefused.labels(reason).inc(),
    spansDropped: (reason, spans) => spansDropped.labels(reason).inc(spans),
  };
  const plain = new Shared(exposePlain, clock);
  const open = new Shared(exposeOpen, clock);
  return {meter, counts: () => ({accepted, settled, handedBack, broken, cutOff: {...cutOff}}), scrape, families};

  /** Observes, and keeps the sample whose trace is known; `key` is how `scrape` finds it again. */
  function timer(child: {observe(value: number): void}, key: string): Timer {
    const kept = new Exemplars(seconds);
    exemplars.set(key, kept);
    return (elapsed, traceId) => {
      child.observe(elapsed);
      if (traceId !== undefined) kept.keep(elapsed, traceId, clock.now());
    };
  }

  function scrape(accept: string): Promise<Exposition> {
    return (prefersOpenMetrics(accept) ? open : plain).ask();
  }

  async function exposePlain(): Promise<Exposition> {
    const others = gauges.others();
    const body = others ? writePlain(sumFamilies([await families(), ...(await others)])) : await registry.metrics();
    return {contentType: registry.contentType, body};
  }

  async function exposeOpen(): Promise<Exposition> {
    const others = gauges.others();
    const all = others ? sumFamilies([await families(), ...(await others)]) : await families();
    const body = writeOpenMetrics(all, ({metricName, labels: {le, trigger}}) => {
      if (le === undefined) return undefined;
      return exemplars.get(trigger === undefined ? `${metricName}` : `${metricName} ${trigger}`)?.of(le);
    });
    return {contentType: openMetricsType, body};
  }

  /** Its types know no samples, only what all kinds of metric have in common. */
  async function families(): Promise<Family[]> {
    return (await registry.getMetricsAsJSON()) as unknown as Family[];
  }
}

type Timer = (elapsed: number, traceId: string | undefined) => void;

function bound<T>(known: Map<string, T>, key: string, bind: () => T): T {
  let child = known.get(key);
  if (child === undefined) {
    child = bind();
    known.set(key, child);
  }
  return child;
}
