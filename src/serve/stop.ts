import type {Clock} from '../clock.ts';
import type {DrainReport, Metrics} from '../observe/metrics/metrics.ts';
import {Drain} from './drain.ts';

/** The end of a core: how much time it has, and what becomes of the events meanwhile. */
export class Stop {
  readonly #metrics: Pick<Metrics, 'counts'>;
  readonly #clock: Clock;
  readonly #hurry = new AbortController();
  #drain: Drain | undefined;
  #endsAt = 0;

  constructor(metrics: Pick<Metrics, 'counts'>, clock: Clock) {
    this.#metrics = metrics;
    this.#clock = clock;
  }

  get hasBegun(): boolean {
    return this.#drain !== undefined;
  }

  /** Aborts when the grace time is over: what is still in flight is cut off. */
  get hurry(): AbortSignal {
    return this.#hurry.signal;
  }

  /** What is left of the grace time; 0 before the stop. */
  get leftMs(): number {
    return Math.max(0, this.#endsAt - this.#clock.monotonic());
  }

  /**
  @param cutOff called when the grace time is over
  @returns stops the timer
  */
  begin(graceMs: number, cutOff: () => void): () => void {
    const drain = new Drain(this.#metrics);
    this.#drain = drain;
    this.#endsAt = this.#clock.monotonic() + graceMs;
    return this.#clock.after(graceMs, () => {
      drain.cutOff();
      this.#hurry.abort();
      cutOff();
    });
  }

  /** What became of the events since the stop began, with the reports of other processes; undefined before. */
  report(others?: readonly DrainReport[]): DrainReport | undefined {
    return this.#drain?.report(others);
  }

  /** The same, for the leader. Before the stop, what is in flight counts as lost. */
  account(): DrainReport {
    return (this.#drain ?? new Drain(this.#metrics)).report();
  }
}
