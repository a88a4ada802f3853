import {divideMemory} from '../../src/limits/shares.ts';
import {openMetrics} from '../../src/observe/metrics/metrics.ts';
import type {Family} from '../../src/observe/metrics/open-metrics.ts';
import type {Census} from '../../src/work.ts';
import {ManualClock} from './clock.ts';

/** The metrics of one process; `keySetAge` is how old its key set is, `others` are the processes that it leads. */
export function processOf(
  some: {
    functionName?: string;
    keySetAge?: number;
    others?: readonly (readonly Family[])[];
    census?: () => Promise<Census>;
    workWaiters?: () => number;
    clock?: ManualClock;
  } = {},
) {
  const metrics = openMetrics(
    {version: '1.2.3', functionName: some.functionName ?? '', functionVersion: '7', language: 'node'},
    {
      runtimesUp: () => 2,
      runtimeProcesses: () => [1, 2],
      runtimesResidentBytes: () => 1000,
      bytesHeld: () => 10,
      bodiesWaiting: () => 0,
      shares: divideMemory(2 ** 30),
      isDurable: () => true,
      journalServers: () => undefined,
      drain: () => undefined,
      processesUp: () => 3,
      census: () => some.census?.(),
      workWaiters: () => some.workWaiters?.() ?? 0,
      others: () => some.others && Promise.resolve(some.others),
    },
    some.clock ?? new ManualClock(),
  );
  metrics.meter.keySetAge(() => some.keySetAge ?? 0);
  return metrics;
}

/** The names of the metrics that a scrape has. */
export async function scrapedNames(): Promise<ReadonlySet<string>> {
  const {body} = await processOf().scrape('');
  return new Set([...body.matchAll(/^# TYPE (\w+) /gm)].map(([, name = '']) => name));
}
