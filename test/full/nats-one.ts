import test from 'ava';
import {journalSuite} from '../helpers/journal-suite.ts';
import {natsServer, startNats} from '../helpers/nats.ts';
import {natsJournal} from '../helpers/nats-journal.ts';

/* The journal on one NATS server. */

if (!natsServer) test.skip('there is no nats-server: CORE_TEST_NATS names the folder that has it', () => {});
else {
  const cluster = await startNats(1);
  test.after.always(() => cluster[Symbol.asyncDispose]());
  journalSuite('one NATS server', (t, clock) => natsJournal(t, cluster, clock), {
    durability: 'fsync',
    isDense: false,
    countsRecorded: false,
  });
}
