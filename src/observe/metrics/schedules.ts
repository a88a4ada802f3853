import {Counter, Gauge, Histogram, type Registry} from 'prom-client';
import type {Meter} from '../../meter.ts';
import {seconds} from './timers.ts';

type ScheduleMeter = Pick<Meter, 'scheduleFired' | 'scheduleWaits' | 'scheduleNext' | 'scheduleHeld' | 'scheduleMissed'>;

/** The occurrences of each schedule. */
export function scheduleMetrics(registers: Registry[]): ScheduleMeter {
  const lag = new Histogram({
    name: 'core_schedule_lag_seconds',
    help: 'Time from the moment an occurrence was due until the function was called.',
    labelNames: ['schedule'],
    buckets: seconds,
    registers,
  });
  const waiting = new Gauge({
    name: 'core_schedule_waiting',
    help: 'Occurrences that did not reach the function yet and are delivered again.',
    labelNames: ['schedule'],
    registers,
  });
  const next = new Gauge({
    name: 'core_schedule_next_timestamp_seconds',
    help: 'When the next occurrence is due, jitter included; in the past while it is late.',
    labelNames: ['schedule'],
    registers,
  });
  const held = new Gauge({
    name: 'core_schedule_held',
    help: '1 while occurrences are passed over, as they were fired before their time by a clock that was ahead.',
    labelNames: ['schedule'],
    registers,
  });
  const missed = new Counter({
    name: 'core_schedule_missed_total',
    help: 'Occurrences that did not run, by reason.',
    labelNames: ['schedule', 'reason'],
    registers,
  });

  return {
    scheduleFired: (schedule, lagSeconds) => lag.labels(schedule).observe(lagSeconds),
    scheduleWaits: (schedule, occurrences) => waiting.labels(schedule).set(occurrences),
    scheduleNext(schedule, at) {
      if (at === undefined) next.remove(schedule);
      else next.labels(schedule).set(at / 1000);
    },
    scheduleHeld: (schedule, isHeld) => held.labels(schedule).set(isHeld ? 1 : 0),
    scheduleMissed: (schedule, reason, occurrences) => missed.labels(schedule, reason).inc(occurrences),
  };
}
