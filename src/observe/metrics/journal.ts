import {Counter, Gauge, Histogram, type Registry} from 'prom-client';
import type {Meter} from '../../meter.ts';
import type {Gauges} from './gauges.ts';
import {seconds} from './timers.ts';

type JournalMeter = Pick<Meter, 'appended' | 'shed' | 'payloadsShed' | 'readers' | 'readerRefused'>;

/** What is written to the journal, what had to be dropped, and who reads it. */
export function journalMetrics(registers: Registry[], gauges: Pick<Gauges, 'isDurable'>): JournalMeter {
  const appendSeconds = new Histogram({
    name: 'core_journal_append_seconds',
    help: 'Time of an append to the journal.',
    buckets: seconds,
    registers,
  });
  const shed = new Counter({
    name: 'core_journal_shed_total',
    help: 'Facts, and recorded requests and replies (payloads), that were dropped: the journal could not keep up, could not be written, or had no room.',
    labelNames: ['kind'],
    registers,
  });
  const [shedFacts, shedPayloads] = [shed.labels('facts'), shed.labels('payloads')];
  shedFacts.inc(0);
  shedPayloads.inc(0);
  new Gauge({
    name: 'core_journal_durable',
    help: '1 while facts survive the process, 0 while they are in memory only or the journal takes no new work.',
    aggregator: 'first', // one journal: every process says the same
    registers,
    collect() {
      this.set(gauges.isDurable() ? 1 : 0);
    },
  });
  const readers = new Gauge({name: 'core_admin_readers', help: 'Callers that read the journal through the private listener.', registers});
  const readersRefused = new Counter({
    name: 'core_admin_readers_refused_total',
    help: 'Callers of the private listener that were refused as too many read the journal, or cut off as they read too slowly.',
    labelNames: ['reason'],
    registers,
  });
  for (const reason of ['full', 'slow']) readersRefused.labels(reason).inc(0);

  return {
    appended: elapsed => appendSeconds.observe(elapsed),
    shed: facts => shedFacts.inc(facts),
    payloadsShed: payloads => shedPayloads.inc(payloads),
    readers: count => readers.set(count),
    readerRefused: reason => readersRefused.labels(reason).inc(),
  };
}
