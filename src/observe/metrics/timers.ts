import {Histogram, type HistogramConfiguration} from 'prom-client';
import {type Exemplar, Exemplars} from './exemplars.ts';
import type {Sample} from './open-metrics.ts';

/** The upper bounds of the buckets of every histogram of times. */
export const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** Observes one duration, and the trace that it belongs to if there is one. */
export type Timer = (elapsed: number, traceId: string | undefined) => void;

/** Timers of histograms that show exemplars: each keeps the newest traced sample of every bucket. */
export class Timers {
  readonly #now: () => number;
  readonly #kept = new Map<string, Exemplars>();

  /** @param now wall time, milliseconds since 1970 */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** @param trigger value of the label `trigger`, where the histogram has it */
  timer(child: {observe(value: number): void}, name: string, trigger?: string): Timer {
    const kept = new Exemplars(seconds);
    this.#kept.set(keyOf(`${name}_bucket`, trigger), kept);
    return (elapsed, traceId) => {
      child.observe(elapsed);
      if (traceId !== undefined) kept.keep(elapsed, traceId, this.#now());
    };
  }

  /** The exemplar of one sample of a scrape: only buckets have one. */
  exemplarOf({metricName, labels: {le, trigger}}: Sample): Exemplar | undefined {
    if (le === undefined || metricName === undefined) return undefined;
    return this.#kept.get(keyOf(metricName, trigger))?.of(le);
  }
}

const keyOf = (bucketName: string, trigger: string | number | undefined) =>
  trigger === undefined ? bucketName : `${bucketName} ${trigger}`;

type Labels = Readonly<Record<string, string>>;
type Exported = Awaited<ReturnType<Histogram['get']>>;

/** The durations of one set of labels. */
export class DurationsOf {
  readonly labels: Labels;
  /** How many were within each bound and not within the one before; the last: past all of them. */
  readonly counts: Float64Array;
  sum = 0;
  count = 0;
  readonly #bounds: readonly number[];

  constructor(labels: Labels, bounds: readonly number[]) {
    this.labels = labels;
    this.#bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(elapsed: number): void {
    let bucket = 0;
    while (bucket < this.#bounds.length && elapsed > (this.#bounds[bucket] as number)) bucket++;
    (this.counts[bucket] as number)++;
    this.sum += elapsed;
    this.count++;
  }
}

/**
A histogram that counts in arrays. prom-client makes a text of the labels for each value and looks it up, which takes as long as one of the
stages.
*/
export class Durations extends Histogram<string> {
  readonly #name: string;
  readonly #bounds: readonly number[];
  readonly #children: DurationsOf[] = [];

  constructor(configuration: HistogramConfiguration<string> & {readonly buckets: number[]}) {
    super(configuration);
    this.#name = configuration.name;
    this.#bounds = configuration.buckets;
  }

  /** Those with these labels. To be called once for each set of them. */
  of(labels: Labels): DurationsOf {
    const child = new DurationsOf(labels, this.#bounds);
    this.#children.push(child);
    return child;
  }

  override async get(): Promise<Exported> {
    const name = this.#name;
    const values: Exported['values'] = [];
    for (const {labels, counts, sum, count} of this.#children) {
      let within = 0;
      for (const [bucket, le] of this.#bounds.entries()) {
        within += counts[bucket] ?? 0;
        values.push({metricName: `${name}_bucket`, labels: {le, ...labels}, value: within});
      }
      values.push(
        {metricName: `${name}_bucket`, labels: {le: '+Inf', ...labels}, value: count},
        {metricName: `${name}_sum`, labels: {...labels}, value: sum},
        {metricName: `${name}_count`, labels: {...labels}, value: count},
      );
    }
    return {...(await super.get()), values};
  }
}
