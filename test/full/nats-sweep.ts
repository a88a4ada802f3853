import {randomUUID, randomUUIDv7} from 'node:crypto';
import test, {type ExecutionContext} from 'ava';
import {systemClock} from '../../src/clock.ts';
import type {Fact} from '../../src/facts.ts';
import {messageOf} from '../../src/journals/nats/message.ts';
import {Own} from '../../src/journals/nats/own.ts';
import {Streams} from '../../src/journals/nats/streams.ts';
import {subjectsOf} from '../../src/journals/nats/subjects.ts';
import {sweepFacts} from '../../src/journals/nats/sweep/facts.ts';
import {sweepPayloads} from '../../src/journals/nats/sweep/payloads.ts';
import {StreamAdmin} from '../../src/journals/nats/sweep/stream-admin.ts';
import type {Transport} from '../../src/journals/nats/transport.ts';
import {ManualClock} from '../helpers/clock.ts';
import {recordingLog} from '../helpers/fakes.ts';
import {all, fact} from '../helpers/journal-suite.ts';
import {natsServer, startNats} from '../helpers/nats.ts';
import {natsJournal} from '../helpers/nats-journal.ts';

/* What is old goes, and what is not over stays. */

const settled: Fact = {type: 'invocation.settled', data: {outcome: 'responded', status: 200, durationMs: 1}};
const fired = (name: string, occurrence: string, invocationId: string): Fact => ({
  type: 'schedule.fired',
  data: {name, occurrence, cron: '* * * * *', timezone: 'UTC', invocationId, attempt: 1, core: 'a'},
});
const byClock = (name: string): Fact => ({type: 'invocation.accepted', data: {source: `cron:${name}`, bytes: 0, attempt: 1}});

if (!natsServer) test.skip('there is no nats-server: CORE_TEST_NATS names the folder that has it', () => {});
else {
  const cluster = await startNats(1);
  test.after.always(() => cluster[Symbol.asyncDispose]());
  const open = (t: ExecutionContext, some: Parameters<typeof natsJournal>[3]) =>
    natsJournal(t, cluster, systemClock, {core: randomUUID(), ...some});

  test('nothing goes before its time', async t => {
    await using journal = await open(t, {keptMs: 60_000});
    const id = randomUUIDv7();
    await journal.append(`invocation.${id}`, [fact(1), settled], {payloads: [{name: `invocation.${id}/request`, bytes: Buffer.from('x')}]});
    journal.record(`invocation.${randomUUIDv7()}`, [fact(2), settled]);
    t.is(await journal.sweeper.sweep(), 'through');
    t.is((await all(journal.scan(''))).length, 4);
    t.truthy(await journal.payload(`invocation.${id}/request`));
  });

  test('an invocation that is over goes with its payloads; one that is not stays, and so does work that is not', async t => {
    await using journal = await open(t, {keptMs: 0});
    const [over, begun, dead, waiting] = [randomUUIDv7(), randomUUIDv7(), randomUUIDv7(), randomUUIDv7()];
    const payloadsOf = (id: string) => [{name: `invocation.${id}/request`, bytes: Buffer.from('x')}];
    await journal.append(`invocation.${over}`, [fact(1)], {payloads: payloadsOf(over)});
    await journal.append(`invocation.${begun}`, [fact(1)], {payloads: payloadsOf(begun)});
    await journal.append(`invocation.${over}`, [settled]);
    journal.record(`invocation.${randomUUIDv7()}`, [fact(2), settled]);
    const {work} = journal;
    for (const id of [dead, waiting]) {
      await work.enqueue(
        {id, acceptedAt: 0, due: id === dead ? 0 : Date.now() + 60_000},
        {facts: [fact(1)], payloads: payloadsOf(id), most: 9},
      );
    }
    const [claimed] = await work.claim(1, {attempts: 1, deaths: 1});
    if (!claimed) return t.fail();
    await work.settle(claimed, {facts: [settled], dead: {why: 'exhausted', class: 'error', status: 500}});
    t.is(await journal.sweeper.sweep(), 'through');
    const left = new Set((await all(journal.scan('invocation.'))).map(({stream}) => stream));
    t.deepEqual([...left].toSorted(), [begun, dead, waiting].map(id => `invocation.${id}`).toSorted());
    for (const id of [begun, dead, waiting]) t.truthy(await journal.payload(`invocation.${id}/request`), id);
    t.is(await journal.payload(`invocation.${over}/request`), undefined);
    const [shredded] = (await all(journal.read('journal'))).map(({fact: {type, data}}) => ({type, data}));
    t.like(shredded, {type: 'payload.shredded', data: {payloads: 1}});
  });

  test('what was accepted long ago, and has ended lately, stays with its reply', async t => {
    const application = randomUUID();
    const transports: Transport[] = [];
    const wrap = (transport: Transport) => transports[transports.push(transport) - 1] ?? transport;
    await using journal = await open(t, {application, wrap});
    const {work, commits} = journal;
    const [late, redriven] = [randomUUIDv7(), randomUUIDv7()];
    const payloadsOf = (id: string, what: string) => [{name: `invocation.${id}/${what}`, bytes: Buffer.from('x')}];
    const claim = async () => (await work.claim(1, {attempts: 9, deaths: 9}))[0];
    for (const id of [redriven, late]) {
      await work.enqueue({id, acceptedAt: 0, due: 0}, {facts: [fact(1)], payloads: payloadsOf(id, 'request'), most: 9});
      const claimed = id === redriven && (await claim());
      if (claimed) await work.settle(claimed, {facts: [settled], dead: {why: 'exhausted', class: 'error', status: 500}});
    }
    const old = messageOf((await journal.append('runtime.a', [fact(2)])).position);
    await work.redrive(redriven, {facts: [fact(3)], due: 0});
    for (let claimed = await claim(); claimed; claimed = await claim())
      await work.settle(claimed, {facts: [settled], payloads: payloadsOf(claimed.id, 'reply')});
    const newest = messageOf((await journal.append('runtime.b', [fact(4)])).position);
    const [transport] = transports;
    if (!transport) return t.fail();
    const subjects = subjectsOf(application);
    const streams = new Streams(commits.reading, subjects, new Own());
    const house = {commits, subjects, streams, admin: new StreamAdmin(transport, subjects, commits.patience)};
    for (const [below, stays] of [
      [old, true],
      [newest, false],
    ] as const) {
      await sweepPayloads(house, 1, below);
      await sweepFacts(house, 1, below);
      for (const id of [late, redriven]) {
        t.is((await all(journal.read(`invocation.${id}`)))[0]?.fact.type, stays ? fact(1).type : undefined, `${id === late}`);
        for (const what of ['request', 'reply'])
          t.is((await journal.payload(`invocation.${id}/${what}`)) !== undefined, stays, `${what} ${id === late}`);
      }
    }
  });

  test('of a schedule the newest occurrence stays, and the invocation that it names, and whether it is paused', async t => {
    await using journal = await open(t, {keptMs: 0});
    const [old, unended, newest] = [randomUUIDv7(), randomUUIDv7(), randomUUIDv7()];
    for (const [time, id] of [
      ['2026-01-01T00:00:00Z', old],
      ['2026-01-01T00:01:00Z', unended],
      ['2026-01-01T00:02:00Z', newest],
    ] as const) {
      await journal.append(`schedule.s.${time}`, [fired('s', time, id)]);
      await journal.append(`invocation.${id}`, id === unended ? [byClock('s')] : [byClock('s'), settled]);
    }
    await journal.append('pause.s', [{type: 'schedule.paused', data: {name: 's', since: '2026-01-01T00:00:00Z'}}]);
    await journal.append('pause.s', [{type: 'schedule.resumed', data: {name: 's', since: '2026-01-01T00:00:00Z'}}]);
    await journal.append('runtime.a', [fact(1)]);
    t.is(await journal.sweeper.sweep(), 'through');
    const left = (await all(journal.scan(''))).map(({stream, fact: {type}}) => `${stream} ${type}`);
    t.deepEqual(left, [
      'schedule.s.2026-01-01T00:01:00Z schedule.fired',
      `invocation.${unended} invocation.accepted`,
      'schedule.s.2026-01-01T00:02:00Z schedule.fired',
      `invocation.${newest} invocation.accepted`,
      `invocation.${newest} invocation.settled`,
      'pause.s schedule.resumed',
    ]);
  });

  test('one core at a time removes what is old', async t => {
    const application = randomUUID();
    await using one = await open(t, {application});
    await using other = await open(t, {application});
    t.is(await one.sweeper.sweep(), 'through');
    t.is(await other.sweeper.sweep(), 'elsewhere');
    t.is(await one.sweeper.sweep(), 'through');
  });

  test('a clock that is ahead of the servers’ is reported, once', async t => {
    const [ahead, log] = [new ManualClock(), recordingLog()];
    ahead.setWall(systemClock.now() + 120_000);
    await using journal = await natsJournal(t, cluster, ahead, {core: randomUUID(), log});
    const told = () => log.lines.filter(({message}) => message.startsWith('The clock of this core is ahead')).length;
    for (let times = 0; times < 2; times++) await journal.sweeper.sweep();
    t.is(told(), 1);
    ahead.setWall(systemClock.now());
    await journal.sweeper.sweep();
    t.is(told(), 1);
  });

  test('a stream that is almost full loses the oldest of what is over, and takes new facts', async t => {
    await using journal = await open(t, {});
    const error = 'x'.repeat(500_000);
    const large: Fact = {type: 'runtime.ready', data: {bootMs: 1, loaded: false, error}};
    for (let index = 0; index < 115; index++) await journal.append(`runtime.${index}`, [large]);
    t.is(await journal.sweeper.sweep(), 'through');
    const left = (await all(journal.scan('runtime.'))).length;
    t.true(left > 60 && left < 100, String(left));
    await journal.append('runtime.a', [large]);
  });

  test('a stream that is almost full loses the oldest of what is over, however old the oldest is that stays', async t => {
    await using journal = await open(t, {});
    await journal.append('pause.s', [{type: 'schedule.paused', data: {name: 's', since: '2026-01-01T00:00:00Z'}}]);
    // What was there long since is gone: five times as many messages as there are now.
    for (let index = 0; index < 600; index++) await journal.last('a', {now: true});
    const error = 'x'.repeat(500_000);
    const large: Fact = {type: 'runtime.ready', data: {bootMs: 1, loaded: false, error}};
    for (let index = 0; index < 115; index++) await journal.append(`runtime.${index}`, [large]);
    let left = 115;
    for (let sweeps = 0; sweeps < 12 && left >= 100; sweeps++) {
      t.is(await journal.sweeper.sweep(), 'through');
      left = (await all(journal.scan('runtime.'))).length;
    }
    t.true(left > 40 && left < 100, String(left));
    t.truthy(await journal.last('pause.s'));
  });

  test('a stream that requests and replies of callers have filled loses the oldest of them, and takes new work', async t => {
    await using journal = await open(t, {});
    const ids = Array.from({length: 115}, () => randomUUIDv7());
    for (const id of ids) {
      const [dataref, bytes] = [`invocation.${id}/reply`, Buffer.alloc(500_000)];
      journal.record(`invocation.${id}`, [fact(1), {...settled, data: {...settled.data, dataref}}], [{name: dataref, bytes}]);
      await journal.last('a'); // what is recorded is kept
    }
    t.is(await journal.sweeper.sweep(), 'through');
    const kept = await Promise.all(ids.map(id => journal.payload(`invocation.${id}/reply`)));
    const left = kept.filter(bytes => bytes !== undefined).length;
    t.true(left > 60 && left < 100, String(left));
    t.is(kept.at(-1)?.length, 500_000, 'the newest');
    const [shredded] = await all(journal.read('journal'));
    t.like(shredded?.fact, {type: 'payload.shredded'});
  });

  test('a stream that was filled to the last byte between two sweeps takes new work after the next one', async t => {
    await using journal = await open(t, {});
    const append = async (size: number) => {
      const [id, error] = [randomUUIDv7(), 'x'.repeat(size)];
      await journal.append(`invocation.${id}`, [{type: 'runtime.ready', data: {bootMs: 1, loaded: false, error}}, settled]);
    };
    for (const size of [500_000, 20_000, 1000, 50, 0]) {
      await t.throwsAsync(
        async () => {
          for (;;) await append(size);
        },
        {code: 'JOURNAL_FAILED'},
      );
    }
    t.is(await journal.sweeper.sweep(), 'through');
    await append(500_000);
  });
}
