import {Counter, Gauge, type Registry} from 'prom-client';
import type {Gauges, JournalServers} from './gauges.ts';

/** How the servers are that keep a journal for several cores. Without such servers there are no samples. */
export function journalServerMetrics(registers: Registry[], gauges: Pick<Gauges, 'journalServers'>): void {
  const gauge = (name: string, help: string, read: (servers: JournalServers) => number | undefined) =>
    new Gauge({
      name,
      help,
      labelNames: ['engine'],
      aggregator: 'min',
      registers,
      collect() {
        this.reset();
        const servers = gauges.journalServers();
        const value = servers && read(servers);
        if (servers && value !== undefined) this.set({engine: servers.engine}, value);
      },
    });
  gauge('core_journal_connected', '1 while a server of the journal answers this core, 0 while none does.', each =>
    each.isConnected ? 1 : 0,
  );
  gauge(
    'core_journal_copies',
    'Servers that have all of the journal, as they say; absent while none of them leads.',
    each => each.copies?.current,
  );
  gauge('core_journal_copies_wanted', 'Servers that should have it.', each => each.copies?.wanted);
  gauge('core_journal_copies_behind_messages', 'Messages that the slowest copy lacks.', each => each.copies?.behind);
  gauge(
    'core_journal_synced',
    '1 while all servers are seen to write to their disks before they acknowledge, 0 while one is not; absent where nobody looks.',
    each => each.synced && Number(each.synced.isSeen),
  );
  gauge(
    'core_journal_swept_age_seconds',
    'Time since all that was too old had been removed from the journal, by whichever core does that; since the start, before it is known.',
    each => each.sweptAgoMs / 1000,
  );
  new Counter({
    name: 'core_journal_server_changes_total',
    help: 'Times that this core left a server of the journal that kept nothing for one that does.',
    labelNames: ['engine'],
    registers,
    collect() {
      this.reset();
      const {engine, changes} = gauges.journalServers() ?? {};
      if (engine !== undefined && changes !== undefined) this.inc({engine}, changes);
    },
  });
}
