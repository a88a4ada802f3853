import {Counter, Gauge, Histogram, type Registry} from 'prom-client';
import type {ExitReason} from '../../facts.ts';
import type {Meter, SpareOutcome} from '../../meter.ts';
import type {Gauges} from './gauges.ts';
import {seconds} from './timers.ts';

type RuntimeMeter = Pick<Meter, 'queued' | 'dequeued' | 'runtimeReady' | 'runtimeExited' | 'runtimeTried' | 'spared'>;

const exitReasons: readonly ExitReason[] = [
  'exit-zero',
  'exit-nonzero',
  'signal',
  'oom',
  'unspawnable',
  'never-ready',
  'stuck',
  'protocol',
  'exposed',
  'reloaded',
  'stopped',
];

const spareOutcomes: readonly SpareOutcome[] = ['took-over', 'not-needed', 'failed', 'no-memory'];

/** The sub-runtimes and the queue in front of them. */
export function runtimeMetrics(
  registers: Registry[],
  gauges: Pick<Gauges, 'runtimesUp' | 'runtimeProcesses' | 'runtimesResidentBytes'>,
): RuntimeMeter {
  const initSeconds = new Histogram({
    name: 'faas_init_duration_seconds',
    help: 'Time from fork to ready.',
    buckets: seconds,
    registers,
  });
  const queueDepth = new Gauge({name: 'core_queue_depth', help: 'Events waiting for a sub-runtime.', registers});
  const queueSeconds = new Histogram({
    name: 'core_queue_wait_seconds',
    help: 'Time waited for a sub-runtime.',
    buckets: seconds,
    registers,
  });
  const restarts = new Counter({
    name: 'core_runtime_restarts_total',
    help: 'Sub-runtime exits by reason.',
    labelNames: ['reason'],
    registers,
  });
  for (const reason of exitReasons) restarts.labels(reason).inc(0);
  const spares = new Counter({
    name: 'core_runtime_spares_total',
    help: 'Spares for sub-runtimes that do not answer, or do not end a call, by what became of them.',
    labelNames: ['outcome'],
    registers,
  });
  for (const outcome of spareOutcomes) spares.labels(outcome).inc(0);
  const trials = new Counter({
    name: 'core_runtime_trials_total',
    help: 'Starts that were tried after a sub-runtime had been given up.',
    registers,
  });
  new Gauge({
    name: 'core_runtime_up',
    help: 'Sub-runtimes that can take a call.',
    registers,
    collect() {
      this.set(gauges.runtimesUp());
    },
  });
  new Gauge({
    name: 'core_runtime_processes',
    help: 'Processes of sub-runtimes that exist, by place: the one that serves and its spare or successor.',
    labelNames: ['place'],
    registers,
    collect() {
      for (const [place, processes] of gauges.runtimeProcesses().entries()) this.set({place}, processes);
    },
  });
  new Gauge({
    name: 'core_runtime_resident_memory_bytes',
    help: 'Resident memory of the sub-runtimes.',
    registers,
    collect() {
      this.set(gauges.runtimesResidentBytes());
    },
  });

  return {
    queued: depth => queueDepth.set(depth),
    dequeued(depth, waited) {
      queueDepth.set(depth);
      queueSeconds.observe(waited);
    },
    runtimeReady: boot => initSeconds.observe(boot),
    runtimeExited: reason => restarts.labels(reason).inc(),
    runtimeTried: () => trials.inc(),
    spared: outcome => spares.labels(outcome).inc(),
  };
}
