import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {type Asked, judge, unsettled} from '../../bench/chaos/judge.ts';
import {Troubles} from '../../bench/chaos/troubles.ts';
import {isoStamp} from '../../src/clock.ts';
import type {Fact} from '../../src/facts.ts';
import {MemoryJournal} from '../../src/journals/memory/journal.ts';
import {ManualClock} from '../helpers/clock.ts';

// The judge of the chaos programs: it must see what it says is 0.

const began = Date.parse('2026-01-01T00:00:00Z');
const ticking = [{name: 'tock', everyMs: 3000}];
const accepted: Fact = {type: 'invocation.accepted', data: {source: 'work', bytes: 0, attempt: 1}};
const started = (epoch: number): Fact => ({type: 'attempt.started', data: {attempt: 1, epoch}});
const refused: Fact = {type: 'attempt.failed', data: {attempt: 1, class: 'busy', retryable: true, code: 'DRAINING'}};
const settled: Fact = {type: 'invocation.settled', data: {outcome: 'responded', status: 200, durationMs: 1}};

const fired = (second: number, invocationId: string, attempt = 1): [string, Fact] => {
  const occurrence = isoStamp(began + second * 1000).replace('.000', '');
  const data = {
    name: 'tock',
    occurrence,
    cron: '*/3 * * * * *',
    timezone: 'UTC',
    invocationId,
    attempt,
    core: 'a',
    delivery: 'work',
  } as const;
  return [`schedule.tock.${occurrence}`, {type: 'schedule.fired', data}];
};

type Facts = readonly (readonly [string, Fact])[];

async function judged(t: ExecutionContext, facts: Facts, asked: Asked) {
  const folder = await mkdtemp(join(tmpdir(), 'chaos-judge-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  const log = join(folder, 'ends');
  await writeFile(log, '');
  const journal = new MemoryJournal(new ManualClock());
  for (const [stream, fact] of facts) journal.record(stream, [fact]);
  const verdict = await judge(journal, asked, log, {during: () => [], afterwards: () => 0});
  return {...verdict, open: await unsettled(journal, asked)};
}

async function told(t: ExecutionContext, facts: Facts, throughS = 60, schedules = ticking) {
  const {doubled, missed, settledTwice, open} = await judged(t, facts, {senders: [], schedules, through: began + throughS * 1000});
  return {doubled, missed, settledTwice, open};
}

/** @param orderingKey of `a` and `b`, which were acknowledged one after the other */
async function disordered(t: ExecutionContext, facts: Facts, orderingKey?: string): Promise<number> {
  const acknowledged = ['a', 'b'].map((id, number) => ({id, name: id, number, orderingKey}));
  const senders = [{acknowledged, doubled: [], longest: {from: 0, ms: 0, tries: []}}];
  return (await judged(t, facts, {senders, schedules: [], through: began})).outOfOrder;
}

const clean = {doubled: 0, missed: 0, settledTwice: 0, open: 0};

test('an occurrence that two cores claimed first is doubled, also when each ran it', async t => {
  const both = ['a', 'b'].map(id => [`invocation.${id}`, settled] as const);
  t.deepEqual(await told(t, [fired(0, 'a'), fired(0, 'b'), ...both]), {...clean, doubled: 1});
});

test('a fact that a stream has twice is doubled, and an end that it has twice is counted as such', async t => {
  const none = (facts: Facts) => told(t, facts, 60, []);
  const [a, b] = ['invocation.a', 'invocation.b'];
  t.deepEqual(
    await none([
      [a, accepted],
      [a, accepted],
    ]),
    {...clean, doubled: 1},
  );
  t.deepEqual(
    await none([
      [a, started(1)],
      [a, started(1)],
    ]),
    {...clean, doubled: 1},
  );
  t.deepEqual(
    await none([
      [a, started(1)],
      [a, refused],
      [a, refused],
    ]),
    {...clean, doubled: 1},
  );
  t.deepEqual(
    await none([
      [b, settled],
      [b, settled],
    ]),
    {...clean, settledTwice: 1},
  );
});

test('an occurrence of work that nobody claimed, or that never ended, is missed', async t => {
  t.deepEqual(await told(t, []), {...clean, missed: 1, open: 1}, 'the schedule never fired');
  const ends = (...ids: string[]) => ids.map(id => [`invocation.${id}`, settled] as const);
  t.deepEqual(await told(t, [fired(0, 'a'), fired(6, 'c'), ...ends('a', 'c')]), {...clean, missed: 1, open: 1});
  t.deepEqual(await told(t, [fired(0, 'a'), fired(3, 'b'), ...ends('a')]), {...clean, missed: 1, open: 1});
  t.deepEqual(await told(t, [fired(0, 'a'), fired(3, 'b'), ...ends('a')], 2), clean, 'one that may still run is not judged');
});

test('attempts that did not reach the function, and claims that were taken over, are no doubles', async t => {
  const a = 'invocation.a';
  const tried: [string, Fact][] = [
    [a, accepted],
    [a, started(1)],
    [a, refused],
    [a, started(2)],
    [a, refused],
    [a, started(3)],
    [a, settled],
  ];
  t.deepEqual(await told(t, [fired(0, 'a'), fired(0, 'a', 2), ...tried]), clean);
});

test('an item that begins before the one of its key that was acknowledged before it has ended is out of order', async t => {
  const [a, b] = ['invocation.a', 'invocation.b'];
  const begins: [string, Fact][] = [
    [a, accepted],
    [b, accepted],
    [a, started(1)],
    [a, refused],
  ];
  const inOrder: [string, Fact][] = [...begins, [a, started(2)], [a, settled], [b, started(1)], [b, settled]];
  const early: [string, Fact][] = [...begins, [b, started(1)], [b, refused], [a, started(2)], [a, settled], [b, started(2)], [b, settled]];
  t.is(await disordered(t, inOrder, 'k'), 0);
  t.is(await disordered(t, early, 'k'), 1, 'also if it was begun once more, when its turn had come');
  t.is(await disordered(t, early), 0, 'without a key');
});

test('the first trouble of servers comes first, and then a server and a core have trouble at once', async t => {
  const stop = new AbortController();
  const order: string[] = [];
  const trouble = (name: string) => [name, async () => void order.push(name)] as const;
  const meets = ['core', async () => stop.abort()] as const;
  const troubles = new Troubles([trouble('cut off'), trouble('killed'), trouble('stopped')], [meets], [0, 0]);
  await troubles.make(stop.signal);
  t.is(order[0], 'cut off');
  t.is(order.length, 2);
  t.is(troubles.overlaps, 1);
});
