import {randomUUID} from 'node:crypto';
import test from 'ava';
import {systemClock} from '../../src/clock.ts';
import {openArchive} from '../../src/journals/nats/archive.ts';
import {coresSuite} from '../helpers/cores-suite.ts';
import {natsServer, startNats} from '../helpers/nats.ts';

if (!natsServer) test.skip('there is no nats-server: CORE_TEST_NATS names the folder that has it', () => {});
else {
  const cluster = await startNats(3);
  test.after.always(() => cluster[Symbol.asyncDispose]());
  coresSuite({
    name: 'three NATS servers',
    settings: () => ({
      CORE_JOURNAL: `nats://${cluster.hosts}/${randomUUID()}`,
      CORE_JOURNAL_SYNCED: cluster.monitors,
      CORE_JOURNAL_MAX_SIZE: '64MiB', // the servers set it aside
    }),
    read: location => openArchive(location.slice('nats:'.length), systemClock),
    durability: 'replicated',
  });
}
