import {Counter, Gauge, type Registry} from 'prom-client';
import type {ExitReason} from '../../facts.ts';
import type {Meter} from '../../meter.ts';
import type {Gauges} from './gauges.ts';

const exitReasons: readonly ExitReason[] = ['exit-zero', 'exit-nonzero', 'signal', 'unspawnable', 'never-ready', 'stuck'];

/** The processes that serve as one core. */
export function siblingMetrics(registers: Registry[], gauges: Pick<Gauges, 'processesUp'>): Pick<Meter, 'processRestarted'> {
  const restarts = new Counter({
    name: 'core_processes_restarts_total',
    help: 'Core processes beside the first that ended and were started again, by reason.',
    labelNames: ['reason'],
    registers,
  });
  for (const reason of exitReasons) restarts.labels(reason).inc(0);
  new Gauge({
    name: 'core_processes_up',
    help: 'Core processes that serve.',
    aggregator: 'first', // every process says the same
    registers,
    collect() {
      this.set(gauges.processesUp());
    },
  });

  return {processRestarted: reason => restarts.labels(reason).inc()};
}
