import {type Figures, quantileMs} from '../metrics/figures.ts';

/** What is kept of each moment: rates a second since the moment before it, and values as they were. */
export const columns = [
  'requests',
  'errors',
  'invocations',
  'failures',
  'p50Ms',
  'p99Ms',
  'waiting',
  'inFlight',
  'subRuntimesReady',
  'coreBytes',
  'functionBytes',
] as const;

export type Row = Readonly<Record<(typeof columns)[number], number | undefined>> & {
  /** Wall time, milliseconds since 1970. */
  readonly at: number;
  /** How long a time the rates are of. */
  readonly overMs: number;
};

/** The figures of one moment. */
export interface Moment {
  readonly figures: Figures;
  /** Wall time, and monotonic time, in milliseconds. */
  readonly at: number;
  readonly monotonic: number;
}

/** The row of a moment, with rates since an earlier one. A counter that fell, as its process is gone, counts as unchanged. */
export function rowOf(before: Moment, {figures, at, monotonic}: Moment): Row {
  const overMs = monotonic - before.monotonic;
  const rate = (key: 'requests' | 'errors' | 'invocations' | 'failures') =>
    overMs > 0 ? (Math.max(0, figures[key] - before.figures[key]) * 1000) / overMs : 0;
  return {
    at,
    overMs,
    requests: rate('requests'),
    errors: rate('errors'),
    invocations: rate('invocations'),
    failures: rate('failures'),
    p50Ms: quantileMs(before.figures.buckets, figures.buckets, 0.5),
    p99Ms: quantileMs(before.figures.buckets, figures.buckets, 0.99),
    waiting: figures.waiting,
    inFlight: figures.inFlight,
    subRuntimesReady: figures.subRuntimesReady,
    coreBytes: figures.coreBytes,
    functionBytes: figures.functionBytes,
  };
}

/** The newest rows, a fixed number of them, in arrays that are made once: what is kept never grows. */
export class Rows {
  readonly #most: number;
  readonly #at: Float64Array;
  readonly #columns: ReadonlyMap<(typeof columns)[number], Float64Array>;
  /** How many were added so far. */
  #added = 0;

  constructor(most: number) {
    this.#most = most;
    this.#at = new Float64Array(most);
    this.#columns = new Map(columns.map(column => [column, new Float64Array(most)]));
  }

  add(row: Row): void {
    const place = this.#added++ % this.#most;
    this.#at[place] = row.at;
    for (const [column, values] of this.#columns) values[place] = row[column] ?? Number.NaN;
  }

  /** Every column, oldest first; `at` in seconds since 1970, null where there is no value. @param since wall time in milliseconds */
  since(since: number): Record<string, (number | null)[]> {
    const first = Math.max(0, this.#added - this.#most);
    const places = Array.from({length: this.#added - first}, (_, index) => (first + index) % this.#most).filter(
      place => (this.#at[place] ?? 0) >= since,
    );
    const shown = (values: Float64Array) => places.map(place => rounded(values[place]));
    return {
      at: places.map(place => (this.#at[place] ?? 0) / 1000),
      ...Object.fromEntries([...this.#columns].map(([column, values]) => [column, shown(values)])),
    };
  }
}

/** Three decimals are enough, and short. */
const rounded = (value = Number.NaN) => (Number.isNaN(value) ? null : Math.round(value * 1000) / 1000);
