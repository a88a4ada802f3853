import {Gauge, type Registry} from 'prom-client';
import type {Meter} from '../../meter.ts';

/** Batches of CloudEvents, where they are taken. */
export function batchMetrics(registers: Registry[]): Pick<Meter, 'batchesWatched'> {
  return {
    batchesWatched(remembered) {
      new Gauge({
        name: 'core_cloudevents_remembered',
        help: 'Events that have succeeded of batches that have not: they are not called with again.',
        registers,
        collect() {
          this.set(remembered());
        },
      });
    },
  };
}
