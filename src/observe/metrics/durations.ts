import {Histogram, type HistogramConfiguration} from 'prom-client';

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
