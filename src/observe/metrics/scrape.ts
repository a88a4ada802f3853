import type {Registry} from 'prom-client';
import type {Clock} from '../../clock.ts';
import {Shared} from '../shared.ts';
import {type Family, openMetricsType, prefersOpenMetrics, writeOpenMetrics, writePlain} from './open-metrics.ts';
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
  readonly #plain: Shared<Exposition>;
  readonly #open: Shared<Exposition>;

  /** @param others what the other processes counted; undefined when this is the only one */
  constructor(
    registry: Registry,
    timers: Timers,
    others: () => Promise<readonly (readonly Family[])[]> | undefined,
    clock: Pick<Clock, 'monotonic' | 'after'>,
  ) {
    this.#registry = registry;
    this.#timers = timers;
    this.#others = others;
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
    const others = this.#others();
    const body = others ? writePlain(sumFamilies([await this.families(), ...(await others)])) : await this.#registry.metrics();
    return {contentType: this.#registry.contentType, body};
  }

  async #exposeOpen(): Promise<Exposition> {
    const others = this.#others();
    const all = others ? sumFamilies([await this.families(), ...(await others)]) : await this.families();
    return {contentType: openMetricsType, body: writeOpenMetrics(all, sample => this.#timers.exemplarOf(sample))};
  }
}
