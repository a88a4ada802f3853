import test from 'ava';
import {natsServer, startNats} from '../helpers/nats.ts';
import {natsJournal} from '../helpers/nats-journal.ts';
import {workSuite} from '../helpers/work-suite.ts';

/* Work on three NATS servers. */

if (!natsServer) test.skip('there is no nats-server: CORE_TEST_NATS names the folder that has it', () => {});
else {
  const cluster = await startNats(3);
  test.after.always(() => cluster[Symbol.asyncDispose]());
  workSuite('three NATS servers', (t, clock) => natsJournal(t, cluster, clock));
}
