import {AggregatorRegistry} from 'prom-client';
import type {Family} from './open-metrics.ts';

/**
The metrics of several processes as those of one: samples of the same name and labels are added up, unless the metric says
`aggregator` where it is defined.
*/
export function sumFamilies(processes: readonly (readonly Family[])[]): Family[] {
  // prom-client's types know neither samples nor that the aggregated metrics have them.
  const registry = AggregatorRegistry.aggregate(processes as unknown as object[]);
  const summed = registry.getMetricsAsArray() as unknown as Family[];
  return summed.map(({name, help, type, aggregator, values}) => ({name, help, type, aggregator, values}));
}

/** The metrics that stay true when a process is gone: its counters. Gauges say how a process is, and are gone with it. */
export function countersOf(families: readonly Family[]): Family[] {
  return families.filter(({type}) => type !== 'gauge');
}
