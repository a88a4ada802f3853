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
