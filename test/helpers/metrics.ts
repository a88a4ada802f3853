import {readdir, readFile} from 'node:fs/promises';
import path from 'node:path';
import {divideMemory} from '../../src/limits/shares.ts';
import {openMetrics} from '../../src/observe/metrics/metrics.ts';
import type {Family} from '../../src/observe/metrics/open-metrics.ts';
import {ManualClock} from './clock.ts';
import {projectFile} from './core.ts';

/** The sources that spell the names of all metrics. */
export async function metricSources(): Promise<string> {
  const folder = projectFile('src/observe/metrics');
  const files = await readdir(folder);
  return (await Promise.all(files.map(file => readFile(path.join(folder, file), 'utf8')))).join('\n');
}

/** The metrics of one process; `keySetAge` is how old its key set is, `others` are the processes that it leads. */
export function processOf(some: {functionName?: string; keySetAge?: number; others?: readonly (readonly Family[])[]} = {}) {
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
      drain: () => undefined,
      processesUp: () => 3,
      others: () => some.others && Promise.resolve(some.others),
    },
    new ManualClock(),
  );
  metrics.meter.keySetAge(() => some.keySetAge ?? 0);
  return metrics;
}
