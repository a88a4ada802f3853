import type {Registry} from 'prom-client';
import type {Clock} from '../../clock.ts';
import {Shared} from '../shared.ts';
import {type Family, openMetricsType, prefersOpenMetrics, type Sample, writeOpenMetrics, writePlain} from './open-metrics.ts';
import {sumFamilies} from './sum.ts';
import type {Timers} from './timers.ts';

export interface Exposition {
  readonly contentType: string;
  readonly body: string;
}

/** Answers scrapes: the metrics of this process, added to those of the other processes of this core. */
export class Scrape {
  readonly #registry: Registry;
  readonly #timers: Timers;
  readonly #others: () => Promise<readonly (readonly Family[])[]> | undefined;
  readonly #every: Sample['labels'];
  readonly #plain: Shared<Exposition>;
  readonly #open: Shared<Exposition>;

  /**
  @param others what the other processes counted; undefined when this is the only one
  @param every labels of every sample
  */
  constructor(
    registry: Registry,
    timers: Timers,
    others: () => Promise<readonly (readonly Family[])[]> | undefined,
    every: Sample['labels'],
    clock: Pick<Clock, 'monotonic' | 'after'>,
  ) {
    this.#registry = registry;
    this.#timers = timers;
    this.#others = others;
    this.#every = every;
    this.#plain = new Shared(() => this.#exposePlain(), clock);
    this.#open = new Shared(() => this.#exposeOpen(), clock);
  }

  answer(accept: string): Promise<Exposition> {
    return (prefersOpenMetrics(accept) ? this.#open : this.#plain).ask();
  }

  /** The metrics of this process. prom-client's types know no samples, only what all kinds of metric have in common. */
  async families(): Promise<Family[]> {
    return (await this.#registry.getMetricsAsJSON()) as unknown as Family[];
  }

  /** Only these of them, which costs less. */
  async some(names: readonly string[]): Promise<Family[]> {
    const metrics = names.flatMap(name => this.#registry.getSingleMetric(name) ?? []);
    return (await Promise.all(metrics.map(metric => metric.get()))) as unknown as Family[];
  }

  async #exposePlain(): Promise<Exposition> {
    return {contentType: this.#registry.contentType, body: writePlain(await this.#all(), this.#every)};
  }

  async #exposeOpen(): Promise<Exposition> {
    const body = writeOpenMetrics(await this.#all(), sample => this.#timers.exemplarOf(sample), this.#every);
    return {contentType: openMetricsType, body};
  }

  async #all(): Promise<readonly Family[]> {
    const others = this.#others();
    const own = await this.families();
    return others ? sumFamilies([own, ...(await others)]) : own;
  }
}
