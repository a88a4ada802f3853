import {Registry} from 'prom-client';
import type {Clock} from '../../clock.ts';
import type {Meter} from '../../meter.ts';
import {batchMetrics} from './batches.ts';
import {edgeMetrics} from './edge.ts';
import type {Gauges} from './gauges.ts';
import {type Counts, invocationMetrics} from './invocations.ts';
import {journalMetrics} from './journal.ts';
import {journalServerMetrics} from './journal-servers.ts';
import {messageMetrics} from './messages.ts';
import type {Family} from './open-metrics.ts';
import {processMetrics} from './process.ts';
import {runtimeMetrics} from './runtimes.ts';
import {scheduleMetrics} from './schedules.ts';
import {type Exposition, Scrape} from './scrape.ts';
import {siblingMetrics} from './siblings.ts';
import {Timers} from './timers.ts';
import {workMetrics} from './work.ts';

export type {DrainReport} from './gauges.ts';
export type {Counts} from './invocations.ts';
export {linesLostIn} from './process.ts';

export interface Metrics {
  readonly meter: Meter;
  /** Events so far. */
  counts(): Counts;
  /** What Prometheus scrapes: with exemplars for callers that accept OpenMetrics, else plain text. */
  scrape(accept: string): Promise<Exposition>;
  /** The same as data, for the leader of this process. */
  families(): Promise<readonly Family[]>;
  /** The metrics of these names only. */
  some(names: readonly string[]): Promise<readonly Family[]>;
}

/** What the metrics are about: the core's version, and the function that it serves. */
export interface MetricsSubject {
  readonly version: string;
  readonly functionName: string;
  readonly functionVersion: string;
  readonly language: string;
}

/** What the metrics ask for when somebody scrapes. */
export interface MetricsHouse extends Gauges {
  /** What the other processes of this core counted; undefined when this is the only one. */
  others(): Promise<readonly (readonly Family[])[]> | undefined;
}

/**
Everything that the core counts. Each kind of metric has a file of its own in this folder; names, labels and buckets are
spelled there and nowhere else.

A series with a fixed set of label values exists from the start (`inc(0)`): when a series appears only with its first
event, Prometheus cannot tell the increase.

A function that has a name is the label `function` of every sample of a scrape, so that one Prometheus tells functions apart.
*/
export function openMetrics(subject: MetricsSubject, house: MetricsHouse, clock: Pick<Clock, 'now' | 'monotonic' | 'after'>): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const timers = new Timers(() => clock.now());
  journalServerMetrics(registers, house);
  const edge = edgeMetrics(registers, timers);
  const invocations = invocationMetrics(registers, timers, house);
  const meter: Meter = {
    ...edge,
    ...invocations.meter,
    ...runtimeMetrics(registers, house),
    ...journalMetrics(registers, house),
    ...scheduleMetrics(registers),
    ...workMetrics(registers, house, clock),
    ...messageMetrics(registers, clock),
    ...batchMetrics(registers),
    ...siblingMetrics(registers, house),
    ...processMetrics(registers, subject, house),
  };
  const scrape = new Scrape(registry, timers, () => house.others(), labelsOf(subject), clock);
  return {
    meter,
    counts: invocations.counts,
    scrape: accept => scrape.answer(accept),
    families: () => scrape.families(),
    some: names => scrape.some(names),
  };
}

const labelsOf = ({functionName}: MetricsSubject) => (functionName === '' ? {} : {function: functionName});
