import {Counter, Gauge, type Registry} from 'prom-client';
import type {Clock} from '../../clock.ts';
import type {MessageGauges, MessageOutcome, Meter} from '../../meter.ts';

const outcomes: readonly MessageOutcome[] = ['done', 'accepted', 'given-back', 'buried', 'duplicate', 'unacknowledged'];

/** Messages of brokers, by trigger. */
export function messageMetrics(registers: Registry[], clock: Pick<Clock, 'now'>): Pick<Meter, 'messageEnded' | 'messagesWatched'> {
  const watched = new Map<string, {readonly system: string; readonly gauges: MessageGauges}>();
  /** By trigger and outcome: to find a counter by its labels costs more than to count. */
  const counters = new Map<string, Counter.Internal>();
  const ended = new Counter({
    name: 'core_messages_total',
    help: 'Messages that were dealt with, by what became of them.',
    labelNames: ['name', 'system', 'outcome'],
    registers,
  });
  gauge('core_messages_in_flight', 'Messages that are held, those that wait for their turn included.', ({held}) => held());
  gauge('core_messages_connected', '1 while the trigger is connected to its broker.', ({isConnected}) => (isConnected() ? 1 : 0));
  gauge('core_messages_waiting', 'Messages that wait at the broker, where it says how many.', ({lag}) => lag()?.count);
  gauge('core_messages_oldest_seconds', 'Time since the oldest message that waits at the broker was sent, where it says so.', ({lag}) => {
    const oldest = lag()?.oldest;
    return oldest === undefined ? undefined : Math.max(0, clock.now() - oldest) / 1000;
  });

  return {
    messageEnded: (trigger, system, outcome) => (counters.get(`${trigger} ${outcome}`) ?? ended.labels(trigger, system, outcome)).inc(),
    messagesWatched(trigger, system, gauges) {
      watched.set(trigger, {system, gauges});
      for (const outcome of outcomes) {
        const counter = ended.labels(trigger, system, outcome);
        counter.inc(0);
        counters.set(`${trigger} ${outcome}`, counter);
      }
    },
  };

  function gauge(name: string, help: string, value: (gauges: MessageGauges) => number | undefined): void {
    new Gauge({
      name,
      help,
      labelNames: ['name', 'system'],
      registers,
      collect() {
        this.reset();
        for (const [trigger, {system, gauges}] of watched) {
          const now = value(gauges);
          if (now !== undefined) this.labels(trigger, system).set(now);
        }
      },
    });
  }
}
