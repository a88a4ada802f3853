import {randomUUIDv7} from 'node:crypto';
import test from 'ava';
import {ManualClock} from '../helpers/clock.ts';
import {all, fact, journalSuite, numbers} from '../helpers/journal-suite.ts';
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

  test('facts of one stream keep their order, awaited or not, also where the first has a payload and many come at once', async t => {
    await using journal = await natsJournal(t, cluster, new ManualClock());
    const streams = Array.from({length: 100}, () => `invocation.${randomUUIDv7()}`);
    const append = (stream: string) => [
      journal.append(stream, [fact(1)], {payloads: [{name: `${stream}/request`, bytes: Buffer.from('x')}]}),
      journal.append(stream, [fact(2)]),
    ];
    await Promise.all(streams.flatMap(append));
    for (const stream of streams) t.deepEqual(numbers(await all(journal.read(stream))), [1, 2]);
  });
}
