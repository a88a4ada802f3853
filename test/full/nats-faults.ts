import {randomUUID, randomUUIDv7} from 'node:crypto';
import test, {type ExecutionContext} from 'ava';
import {systemClock} from '../../src/clock.ts';
import {Fault} from '../../src/errors.ts';
import {RevisionConflict} from '../../src/journal.ts';
import {Away, type Message, type Transport} from '../../src/journals/nats/transport.ts';
import {ManualClock} from '../helpers/clock.ts';
import {all, fact, numbers} from '../helpers/journal-suite.ts';
import {natsServer, startNats} from '../helpers/nats.ts';
import {asking, natsJournal} from '../helpers/nats-journal.ts';

/* What servers answer is not always so: a leader that was deposed answers, too. */

if (!natsServer) test.skip('there is no nats-server: CORE_TEST_NATS names the folder that has it', () => {});
else {
  const cluster = await startNats(1);
  test.after.always(() => cluster[Symbol.asyncDispose]());

  const open = (t: ExecutionContext, wrap: (transport: Transport) => Transport) => natsJournal(t, cluster, new ManualClock(), {wrap});

  for (const several of [false, true]) {
    const what = several ? 'an append to several streams' : 'an append';
    const append = (journal: Awaited<ReturnType<typeof open>>, number: number, expect: number) =>
      several
        ? journal.appendAll([
            {stream: 'b', facts: [fact(number)]},
            {stream: 'a', facts: [fact(number)], expect},
          ])
        : journal.append('a', [fact(number)], {expect});

    test(`${what} that is refused although its guard holds is kept`, async t => {
      await using journal = await open(t, transport => once(transport, async () => wrongLast));
      await append(journal, 1, 0);
      t.deepEqual(numbers(await all(journal.read('a'))), [1]);
    });

    test(`${what} that is refused although it was kept is no conflict`, async t => {
      await using journal = await open(t, transport => once(transport, send => send().then(() => wrongLast)));
      const {position} = await append(journal, 1, 0);
      t.is((await journal.last('a'))?.position, position);
      t.deepEqual(numbers(await all(journal.read('a'))), [1]);
      if (several) t.deepEqual(numbers(await all(journal.read('b'))), [1]);
    });

    test(`${what} whose answer is lost is kept once`, async t => {
      const lost = (transport: Transport) => once(transport, send => send().then(() => Promise.reject(new Away('lost'))));
      await using journal = await open(t, lost);
      const {position} = await append(journal, 1, 0);
      t.is((await journal.last('a'))?.position, position);
      t.deepEqual(numbers(await all(journal.read('a'))), [1]);
    });

    test(`${what} that is refused, and rightly so, names the revision as of now`, async t => {
      await using journal = await open(t, transport => transport);
      const {position} = await append(journal, 1, 0);
      const error = await t.throwsAsync(append(journal, 2, 0), {instanceOf: RevisionConflict});
      t.is(error.actual, position);
      t.deepEqual(numbers(await all(journal.read('a'))), [1]);
    });
  }

  test('the end of an item that is refused although it was kept counts, whatever the clock of the core says', async t => {
    const ahead = new ManualClock();
    ahead.setWall(systemClock.now() + 1_800_000);
    let isLying = false;
    const lying = (transport: Transport): Transport =>
      asking(transport, async (...given) => {
        const kept = await transport.request(...given);
        if (!isLying || given[2]?.['Nats-Batch-Commit'] === undefined) return kept;
        isLying = false;
        return wrongLast;
      });
    await using journal = await natsJournal(t, cluster, ahead, {wrap: lying});
    const id = randomUUIDv7();
    await journal.work.enqueue({id, acceptedAt: 0, due: 0}, {facts: [fact(1)], payloads: [], most: 9});
    const [claimed] = await journal.work.claim(1, {attempts: 2, deaths: 2});
    if (!claimed) return t.fail();
    isLying = true;
    t.true(await journal.work.settle(claimed, {facts: [fact(2)]}));
    t.false(isLying);
  });

  test('a leader that answers with what it had long ago does not hide what this core was told is kept', async t => {
    let old: Message | undefined;
    const stale = (transport: Transport): Transport =>
      asking(transport, async (...given) => {
        const answer = await transport.request(...given);
        if (!given[0].startsWith('$JS.API.STREAM.MSG.GET')) return answer;
        old ??= answer;
        return old;
      });
    await using journal = await open(t, stale);
    await journal.append('a', [fact(1)]);
    await journal.last('a');
    const {position} = await journal.append('a', [fact(2)]);
    t.is((await journal.last('a'))?.position, position);
  });

  test('while the servers have no leader of them all, work with a key is accepted, and known by it', async t => {
    const unavailable = {error: {code: 503, err_code: 10008, description: 'JetStream system temporarily unavailable'}};
    const leaderless = (transport: Transport): Transport =>
      asking(transport, (...given) =>
        given[0].startsWith('$JS.API.STREAM.') ? Promise.resolve(answer(unavailable)) : transport.request(...given),
      );
    await using journal = await open(t, leaderless);
    const key = {scope: randomUUID(), fingerprint: 'a', until: Date.now() + 60_000};
    const send = (id: string) => journal.work.enqueue({id, acceptedAt: 0, due: 0}, {facts: [fact(1)], payloads: [], key, most: 9});
    const [first, second] = [randomUUIDv7(), randomUUIDv7()];
    t.is((await send(first)).kind, 'accepted');
    t.like(await send(second), {kind: 'known', id: first});
  });

  test('a copy that lacks the newest refuses nothing, and lets nothing through', async t => {
    const nothing: Message = {subject: '', reply: '', code: 404, field: () => '', body: Buffer.from('')};
    const behind = (transport: Transport): Transport =>
      asking(transport, async (...given) =>
        given[0].startsWith('$JS.API.DIRECT.GET.CORE_') && given[0].includes('.invocation.') ? nothing : transport.request(...given),
      );
    const application = randomUUID();
    await using one = await natsJournal(t, cluster, systemClock, {application});
    await using other = await natsJournal(t, cluster, systemClock, {application, wrap: behind});
    const stream = `invocation.${randomUUIDv7()}`;
    const {position} = await one.append(stream, [fact(1)], {expect: 0});
    const error = await t.throwsAsync(other.append(stream, [fact(2)], {expect: 0}), {instanceOf: RevisionConflict});
    t.is(error.actual, position);
    await other.append(stream, [fact(3)], {expect: position});
    t.deepEqual(numbers(await all(one.read(stream))), [1, 3]);
  });

  test('to stop what another core runs while the servers are away fails as the journal does', async t => {
    const deaf = (transport: Transport): Transport => ({
      ...asking(transport, (...given) => transport.request(...given)),
      publish() {
        throw new Away('The servers are away');
      },
    });
    await using journal = await open(t, deaf);
    await t.throwsAsync(journal.work.stopElsewhere('a'), {instanceOf: Fault, code: 'JOURNAL_FAILED'});
  });

  test('facts that are larger than a message are refused, not cut', async t => {
    await using journal = await open(t, transport => transport);
    const facts = Array.from(
      {length: 4000},
      () => ({type: 'runtime.ready', data: {bootMs: 1, loaded: false, error: 'x'.repeat(500)}}) as const,
    );
    const [first, ...others] = facts;
    if (!first) return t.fail();
    await t.throwsAsync(journal.append('a', [first, ...others]), {instanceOf: Fault, code: 'JOURNAL_FAILED'});
    t.is((await journal.append('a', [fact(1)], {expect: 0})).durability, 'replicated');
  });
}

const wrongLast: Message = answer({error: {code: 400, err_code: 10_071, description: 'wrong last sequence: 7'}, seq: 0});

function answer(json: object): Message {
  return {subject: '', reply: '', code: 0, field: () => '', body: Buffer.from(JSON.stringify(json))};
}

/** Answers the first publish with a guard in another way. */
function once(transport: Transport, act: (send: () => Promise<Message>) => Promise<Message>): Transport {
  let isDone = false;
  return asking(transport, (...given) => {
    const isGuarded = given[2]?.['Nats-Expected-Last-Subject-Sequence'] !== undefined;
    if (isDone || !isGuarded) return transport.request(...given);
    isDone = true;
    return act(() => transport.request(...given));
  });
}
