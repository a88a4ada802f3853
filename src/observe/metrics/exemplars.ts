/** A sample of a bucket, and the trace that it belongs to. */
export interface Exemplar {
  traceId: string;
  value: number;
  /** Wall time, milliseconds since 1970. */
  at: number;
}

/**
The newest traced sample of each bucket of one histogram. prom-client keeps exemplars only in registries that speak OpenMetrics,
and at three times the cost. Here nothing is allocated once a bucket has its sample.
*/
export class Exemplars {
  readonly #bounds: readonly number[];
  readonly #newest: (Exemplar | undefined)[] = [];

  /** @param bounds upper bounds of the buckets, ascending, without infinity */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
  }

  keep(value: number, traceId: string, at: number): void {
    let bucket = 0;
    while (bucket < this.#bounds.length && value > (this.#bounds[bucket] ?? 0)) bucket++;
    const known = this.#newest[bucket];
    if (known) {
      known.traceId = traceId;
      known.value = value;
      known.at = at;
    } else {
      this.#newest[bucket] = {traceId, value, at};
    }
  }

  /** @param le the upper bound as a label has it: a number or `+Inf` */
  of(le: string | number): Exemplar | undefined {
    return this.#newest[le === '+Inf' ? this.#bounds.length : this.#bounds.indexOf(Number(le))];
  }
}
