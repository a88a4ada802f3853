import {Counter, Gauge, type Registry} from 'prom-client';
import {heldKinds} from '../../limits/budget.ts';
import type {Shares} from '../../limits/shares.ts';
import type {Meter} from '../../meter.ts';
import type {Gauges} from './gauges.ts';
import type {Family} from './open-metrics.ts';

const linesDroppedName = 'core_log_lines_dropped_total';

/** This process: its version and its function's, its memory, and what it could not write or send. */
export function processMetrics(
  registers: Registry[],
  {version, functionVersion, language}: {version: string; functionVersion: string; language: string},
  gauges: Pick<Gauges, 'bytesHeld' | 'bodiesWaiting' | 'shares'>,
): Pick<Meter, 'linesDropped' | 'spansDropped'> {
  new Gauge({
    name: 'core_build_info',
    help: 'Version of the core and of its Node.',
    labelNames: ['version', 'node'],
    aggregator: 'first', // every process says the same
    registers,
  })
    .labels(version, process.version)
    .set(1);
  new Gauge({
    name: 'core_function_info',
    help: 'The function that the core serves.',
    labelNames: ['version', 'language'],
    aggregator: 'first', // every process says the same
    registers,
  })
    .labels(functionVersion, language)
    .set(1);
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory of the core.',
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Gauge({
    name: 'core_inflight_bytes',
    help: 'Bytes held for callers, functions and readers, by what they are; CORE_INFLIGHT_BYTES bounds their sum.',
    labelNames: ['kind'],
    registers,
    collect() {
      for (const kind of heldKinds) this.set({kind}, gauges.bytesHeld(kind));
    },
  });
  new Gauge({
    name: 'core_bodies_waiting',
    help: 'Large bodies that wait for their turn to be received, as memory is scarce.',
    registers,
    collect() {
      this.set(gauges.bodiesWaiting());
    },
  });
  new Gauge({
    name: 'core_memory_limit_bytes',
    help: 'Memory that the core and its sub-runtimes have together: the limit of the container, else what the machine has.',
    aggregator: 'first', // every process says the same
    registers,
  }).set(gauges.shares.limitBytes);
  const share = new Gauge({
    name: 'core_memory_share_bytes',
    help: 'What a part of the core may hold of this memory, by part.',
    labelNames: ['part'],
    registers,
  });
  for (const [part, bytes] of Object.entries(partsOf(gauges.shares))) share.labels(part).set(bytes);
  const linesDropped = new Counter({
    name: linesDroppedName,
    help: 'Log lines that were not written: past the budget of the function, or not taken by stdout.',
    registers,
  });
  const spansDropped = new Counter({
    name: 'core_spans_dropped_total',
    help: 'Spans that did not reach the collector, by reason.',
    labelNames: ['reason'],
    registers,
  });
  for (const reason of ['queue_full', 'not_taken', 'stopped']) spansDropped.labels(reason).inc(0);

  return {
    linesDropped: lines => linesDropped.inc(lines),
    spansDropped: (reason, spans) => spansDropped.labels(reason).inc(spans),
  };
}

const partsOf = ({inflightBytes: inflight, journalBytes: journal, logBytes: log, coreBytes: core}: Shares) => ({
  inflight,
  journal,
  log,
  core,
});

/** The log lines that some processes have dropped, as they counted them. */
export const linesLostIn = (families: readonly Family[]): number =>
  families.filter(({name}) => name === linesDroppedName).reduce((sum, {values}) => sum + (values[0]?.value ?? 0), 0);
