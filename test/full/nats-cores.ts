import {randomUUID, randomUUIDv7} from 'node:crypto';
import test, {type ExecutionContext} from 'ava';
import {systemClock} from '../../src/clock.ts';
import type {Fact} from '../../src/facts.ts';
import type {NatsJournal} from '../../src/journals/nats/journal.ts';
import type {Transport} from '../../src/journals/nats/transport.ts';
import type {WorkItem} from '../../src/work.ts';
import {natsServer, startNats} from '../helpers/nats.ts';
import {natsJournal} from '../helpers/nats-journal.ts';

/* Several cores on one journal. */

const limits = {attempts: 3, deaths: 2};
const accepted: Fact = {type: 'invocation.accepted', data: {source: 'work', bytes: 0, attempt: 1}};
const settled: Fact = {type: 'invocation.settled', data: {outcome: 'responded', status: 200, durationMs: 1}};

if (!natsServer) test.skip('there is no nats-server: CORE_TEST_NATS names the folder that has it', () => {});
else {
  const cluster = await startNats(3);
  test.after.always(() => cluster[Symbol.asyncDispose]());

  /** A core, and a way to end it without a word. */
  async function startOne(t: ExecutionContext, application: string) {
    let connection: Transport | undefined;
    const core = randomUUID();
    const wrap = (transport: Transport) => {
      connection = transport;
      return transport;
    };
    const journal = await natsJournal(t, cluster, systemClock, {application, wrap, core});
    t.teardown(() => journal[Symbol.asyncDispose]());
    return {journal, core, die: () => connection?.close()};
  }

  const send = ({work}: NatsJournal, some: Partial<WorkItem> = {}) => {
    const item = {id: randomUUIDv7(), acceptedAt: Date.now(), due: Date.now(), ...some};
    return work.enqueue(item, {facts: [accepted], payloads: [], most: 10_000});
  };

  test('each item is run by one core, those of a key in order, whoever sent them', async t => {
    const application = randomUUID();
    const cores = await Promise.all([startOne(t, application), startOne(t, application), startOne(t, application)]);
    const sent: string[] = [];
    for (let index = 0; index < 60; index++) {
      const [one, other] = [cores[index % 3], cores[(index + 1) % 3]];
      const [id, keyed] = [randomUUIDv7(), randomUUIDv7()];
      await Promise.all([one && send(one.journal, {id}), other && send(other.journal, {id: keyed, orderingKey: `k${index % 4}`})]);
      sent.push(id, keyed);
    }
    const ran: string[] = [];
    await Promise.all(
      cores.map(async ({journal: {work}}) => {
        while (ran.length < sent.length) {
          const claimed = await work.claim(5, limits);
          await Promise.all(claimed.map(each => work.settle(each, {facts: [settled]}).then(isDone => isDone && ran.push(each.id))));
          if (claimed.length === 0) await systemClock.sleep(5);
        }
      }),
    );
    t.deepEqual(ran.toSorted(), sent.toSorted());
    for (let key = 0; key < 4; key++) {
      const ofKey = sent.filter((_, index) => index % 2 === 1 && ((index - 1) / 2) % 4 === key);
      const order = ran.filter(id => ofKey.includes(id));
      t.deepEqual(order, ofKey, `k${key}`);
    }
  });

  test('an idempotency key counts for all cores', async t => {
    const application = randomUUID();
    const cores = await Promise.all([startOne(t, application), startOne(t, application), startOne(t, application)]);
    const key = {scope: 's', fingerprint: 'f', until: Date.now() + 60_000};
    const all = await Promise.all(
      cores.map(({journal: {work}}) =>
        work.enqueue({id: randomUUIDv7(), acceptedAt: 0, due: 0}, {facts: [accepted], payloads: [], most: 10, key}),
      ),
    );
    t.deepEqual(all.map(({kind}) => kind).sort(), ['accepted', 'known', 'known']);
  });

  test('what a core held that has ended is run by another one when its lease is over, and then refused to the first', async t => {
    t.timeout(240_000);
    const application = randomUUID();
    const [one, other] = await Promise.all([startOne(t, application), startOne(t, application)]);
    const sent = await send(one.journal);
    t.is(sent.kind, 'accepted');
    let claimed = [...(await one.journal.work.claim(1, limits))];
    while (claimed.length === 0) claimed = [...(await one.journal.work.claim(1, limits))]; // the other one begins with it
    t.deepEqual(await other.journal.work.claim(1, limits), []);
    await one.die();
    const taken = Promise.withResolvers<void>();
    other.journal.work.onDue(() => taken.resolve());
    const died = Date.now();
    t.true(await other.journal.cores.isAlive(one.core), 'its lease is not over');
    let again: Awaited<ReturnType<typeof other.journal.work.claim>> = [];
    while (again.length === 0) {
      await systemClock.sleep(200);
      again = await other.journal.work.claim(1, limits);
    }
    const [first] = claimed;
    t.like(again[0], {id: first?.id, epoch: 2, attempts: 2, deaths: 1, task: 'run'});
    t.true(Date.now() - died < 30_000);
    t.false(await other.journal.cores.isAlive(one.core));
    const facts = (await Array.fromAsync(other.journal.read(`invocation.${first?.id}`))).map(({fact: {type}}) => type);
    t.deepEqual(facts, ['invocation.accepted', 'attempt.started', 'attempt.failed', 'attempt.started']);
  });

  test('a core that stops gives its lease back at once', async t => {
    const application = randomUUID();
    const [one, other] = await Promise.all([startOne(t, application), startOne(t, application)]);
    t.true(await other.journal.cores.isAlive(one.core));
    await one.journal[Symbol.asyncDispose]();
    t.false(await other.journal.cores.isAlive(one.core));
  });
}
