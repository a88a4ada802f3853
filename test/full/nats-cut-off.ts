import {randomUUID, randomUUIDv7} from 'node:crypto';
import test from 'ava';
import {systemClock} from '../../src/clock.ts';
import {Fault} from '../../src/errors.ts';
import type {Fact} from '../../src/facts.ts';
import {answerOf} from '../../src/journals/nats/answer.ts';
import {copiesIn, type Info} from '../../src/journals/nats/copies.ts';
import type {NatsJournal} from '../../src/journals/nats/journal.ts';
import {subjectsOf} from '../../src/journals/nats/subjects.ts';
import type {Transport} from '../../src/journals/nats/transport.ts';
import {recordingLog} from '../helpers/fakes.ts';
import {all, fact, numbers} from '../helpers/journal-suite.ts';
import {natsServer, startNats} from '../helpers/nats.ts';
import {natsJournal} from '../helpers/nats-journal.ts';
import {canNetwork, openNetwork} from '../helpers/networks.ts';

/* Three servers, one of which is cut off from the others, and not from the core that is connected to it. */

if (!natsServer) test.skip('there is no nats-server: CORE_TEST_NATS names the folder that has it', () => {});
else if (!canNetwork()) test.skip('no namespaces of networks can be made', () => {});
else {
  const limits = {attempts: 3, deaths: 2};
  const accepted: Fact = {type: 'invocation.accepted', data: {source: 'work', bytes: 0, attempt: 1}};
  const settled: Fact = {type: 'invocation.settled', data: {outcome: 'responded', status: 200, durationMs: 1}};
  const network = openNetwork(3);
  const {machines} = network;
  const cluster = await startNats(3, {machines});
  test.after.always(async () => {
    await cluster[Symbol.asyncDispose]();
    network[Symbol.dispose]();
  });

  interface Core {
    readonly journal: NatsJournal;
    readonly transport: Transport;
    readonly log: ReturnType<typeof recordingLog>;
  }

  async function open(t: Parameters<typeof natsJournal>[0], application: string): Promise<Core> {
    let transport: Transport | undefined;
    const log = recordingLog();
    const wrap = (given: Transport) => {
      transport = given;
      return given;
    };
    const journal = await natsJournal(t, cluster, systemClock, {application, wrap, log, core: randomUUID()});
    if (!transport) throw new Error('The journal has no transport');
    return {journal, transport, log};
  }

  const infoOf = async (transport: Transport, application: string) =>
    answerOf(await transport.request(`$JS.API.STREAM.INFO.${subjectsOf(application).stream}`, '')) as Info;
  const leaderOf = async (transport: Transport, application: string) => (await infoOf(transport, application)).cluster?.leader;

  /** A server that was cut off before has caught up: two that are missing would be one too many. */
  async function whole(transport: Transport, application: string): Promise<void> {
    const isHealthy = ({monitor}: {monitor: string}) =>
      fetch(`${monitor}/healthz`).then(
        ({ok}) => ok,
        () => false,
      );
    const isWhole = async () =>
      copiesIn(await infoOf(transport, application).catch(() => ({})))?.current === 3 &&
      (await Promise.all(cluster.nodes.map(isHealthy))).every(Boolean);
    while (!(await isWhole())) await systemClock.sleep(100);
  }

  /** A core that is connected to the server that leads, or to another one. */
  async function openAt(t: Parameters<typeof natsJournal>[0], application: string, leads: boolean): Promise<Core> {
    for (;;) {
      const core = await open(t, application);
      if ((core.transport.server.name === (await leaderOf(core.transport, application))) === leads) return core;
      await core.journal[Symbol.asyncDispose]();
    }
  }

  /** The same, when all three servers have all that is kept. */
  async function openWhole(t: Parameters<typeof natsJournal>[0], application: string, leads: boolean): Promise<Core> {
    for (;;) {
      const core = await openAt(t, application, leads);
      await whole(core.transport, application);
      if ((core.transport.server.name === (await leaderOf(core.transport, application))) === leads) return core;
      await core.journal[Symbol.asyncDispose]();
    }
  }

  const send = ({work}: NatsJournal) => {
    const item = {id: randomUUIDv7(), acceptedAt: Date.now(), due: Date.now()};
    return work.enqueue(item, {facts: [accepted], payloads: [], most: 10_000});
  };

  async function claimSoon({work}: NatsJournal) {
    for (;;) {
      const claimed = await work.claim(1, limits);
      if (claimed.length > 0) return claimed;
      await systemClock.sleep(50);
    }
  }

  for (const leads of [false, true]) {
    test.serial(
      `a core whose server, ${leads ? 'which leads,' : 'which does not lead,'} is cut off from the others changes to one of them`,
      async t => {
        t.timeout(240_000);
        const application = randomUUID();
        const {journal, transport, log} = await openWhole(t, application, leads);
        t.teardown(() => journal[Symbol.asyncDispose]());
        await journal.append('a', [fact(0)]);
        const followed = Array.fromAsync(taken(journal, 20));
        await send(journal);
        const [claimed] = await journal.work.claim(1, limits);
        const alone = machines[cluster.nodes.findIndex(({name}) => name === transport.server.name)];
        alone?.cut(machines.filter(machine => machine !== alone));
        t.teardown(() => alone?.mend());
        const was = transport.server.name;
        const began = performance.now();
        const appended = Array.from({length: 20}, (_, index) => journal.append(`b.${index}`, [fact(index)], {expect: 0}));
        const [isSettled] = await Promise.all([claimed && journal.work.settle(claimed, {facts: [settled]}), send(journal), ...appended]);
        t.log(`acknowledged after ${Math.round(performance.now() - began)} ms`);
        t.true(isSettled, 'what was claimed before');
        t.not(transport.server.name, was);
        t.is(log.lines.filter(({level}) => level === 'error').length, 0, JSON.stringify(log.lines));
        t.is(log.lines.filter(({level}) => level === 'warn').length, 1, JSON.stringify(log.lines));
        t.is(new Set(numbers(await followed)).size, appended.length);
        t.is((await claimSoon(journal)).length, 1, 'work comes on the new connection');
        alone?.mend();
        for (let index = 0; index < appended.length; index++) t.deepEqual(numbers(await all(journal.read(`b.${index}`))), [index]);
      },
    );
  }

  test.serial('while two of three servers are away a core stays where it is, and goes on when they are back', async t => {
    t.timeout(240_000);
    const {journal, transport, log} = await open(t, randomUUID());
    t.teardown(() => journal[Symbol.asyncDispose]());
    await journal.append('a', [fact(0)], {expect: 0});
    const was = transport.server.name;
    const others = cluster.nodes.filter(({name}) => name !== was);
    await Promise.all(others.map(node => node.kill()));
    const {code} = await t.throwsAsync(journal.append('b', [fact(1)]), {instanceOf: Fault});
    t.is(code, 'JOURNAL_FAILED');
    t.is(transport.server.name, was);
    t.is(journal.majority.changes, 0);
    t.deepEqual(
      log.lines.filter(({level}) => level === 'error').map(({message}) => message),
      ['The journal cannot be written: nothing is acknowledged until it can'],
    );
    await Promise.all(others.map(node => node.start()));
    await journal.append('c', [fact(2)], {expect: 0});
    t.deepEqual(numbers(await all(journal.read('c'))), [2]);
  });
}

/** The first facts below `b.`. */
async function* taken(journal: NatsJournal, count: number) {
  const stop = new AbortController();
  let seen = 0;
  for await (const recorded of journal.follow({after: 0, prefix: 'b.', signal: stop.signal})) {
    yield recorded;
    if (++seen === count) return;
  }
}
