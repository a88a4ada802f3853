import type {Family} from './open-metrics.ts';
import {seconds} from './timers.ts';

/** What the console shows of the metrics, as sums of all processes of a core. Counters go on from the start. */
export interface Figures {
  /** Public requests that were answered, and those of them with a status of 500 and above. */
  readonly requests: number;
  readonly errors: number;
  /** Events of every trigger that went through the stages, and those of them that ended with a fault. */
  readonly invocations: number;
  readonly failures: number;
  /** Events of other triggers, such as schedules, and those of them that failed. No HTTP request is among them. */
  readonly otherCalls: number;
  readonly otherFailures: number;
  /** Ends of sub-runtimes that nobody asked for: a reload and a stop are none. */
  readonly restarts: number;
  readonly coldStarts: number;
  /** How many events took at most so long; the last is all of them. */
  readonly buckets: Float64Array;
  readonly waiting: number;
  /** Public requests that are not answered yet. */
  readonly inFlight: number;
  readonly subRuntimesReady: number;
  readonly coreBytes: number;
  readonly functionBytes: number;
  /** Bytes held for callers, functions and readers. */
  readonly heldBytes: number;
}

/** The metrics that figures are made of. */
export const figureNames = [
  'http_requests_total',
  'faas_invocations_total',
  'faas_invoke_duration_seconds',
  'core_runtime_restarts_total',
  'faas_coldstarts_total',
  'core_queue_depth',
  'http_requests_in_flight',
  'core_runtime_up',
  'process_resident_memory_bytes',
  'core_runtime_resident_memory_bytes',
  'core_inflight_bytes',
] as const;

type Name = (typeof figureNames)[number];

/** @param processes what each process of the core has counted */
export function figuresOf(processes: readonly (readonly Family[])[]): Figures {
  const byName = new Map<string, Family[]>(figureNames.map(name => [name, []]));
  for (const family of processes.flat()) byName.get(family.name)?.push(family);
  const samples = (name: Name) => (byName.get(name) ?? []).flatMap(({values}) => values);
  const sum = (name: Name, counts = (_labels: Labels) => true) =>
    samples(name).reduce((total, {labels, value}) => total + (counts(labels) ? value : 0), 0);
  const buckets = new Float64Array(seconds.length + 1);
  for (const {labels, value} of samples('faas_invoke_duration_seconds')) {
    if (labels.le === undefined) continue;
    const at = labels.le === '+Inf' ? seconds.length : seconds.indexOf(Number(labels.le));
    if (at !== -1) buckets[at] = (buckets[at] ?? 0) + value;
  }
  return {
    requests: sum('http_requests_total'),
    errors: sum('http_requests_total', ({code}) => Number(code) >= 500),
    invocations: sum('faas_invocations_total'),
    failures: sum('faas_invocations_total', ({outcome}) => outcome === 'error'),
    otherCalls: sum('faas_invocations_total', isOther),
    otherFailures: sum('faas_invocations_total', labels => isOther(labels) && labels.outcome === 'error'),
    restarts: sum('core_runtime_restarts_total', ({reason}) => reason !== 'reloaded' && reason !== 'stopped'),
    coldStarts: sum('faas_coldstarts_total'),
    buckets,
    waiting: sum('core_queue_depth'),
    inFlight: sum('http_requests_in_flight'),
    subRuntimesReady: sum('core_runtime_up'),
    coreBytes: sum('process_resident_memory_bytes'),
    functionBytes: sum('core_runtime_resident_memory_bytes'),
    heldBytes: sum('core_inflight_bytes'),
  };
}

type Labels = Family['values'][number]['labels'];

/** `none`: a request that was refused before it became an event. */
const isOther = ({trigger}: Labels) => trigger !== 'http' && trigger !== 'none';

/**
The time within which a share of the events between two moments ended, in milliseconds. It is an estimate: a bucket counts as
if its events were spread evenly, as Prometheus does.

@param share from 0 to 1
@returns undefined when none ended
*/
export function quantileMs(before: Float64Array, after: Float64Array, share: number): number | undefined {
  const upTo = (at: number) => Math.max(0, (after[at] ?? 0) - (before[at] ?? 0));
  const all = upTo(seconds.length);
  if (all === 0) return undefined;
  const rank = share * all;
  const at = seconds.findIndex((_, index) => upTo(index) >= rank);
  if (at === -1) return (seconds.at(-1) ?? 0) * 1000; // longer than the longest bound
  const [low, high] = [seconds[at - 1] ?? 0, seconds[at] ?? 0];
  const [below, within] = [at === 0 ? 0 : upTo(at - 1), upTo(at)];
  return 1000 * (within === below ? high : low + ((high - low) * (rank - below)) / (within - below));
}
