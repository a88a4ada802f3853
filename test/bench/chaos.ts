import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {judge, unsettled} from '../../bench/chaos/judge.ts';
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

async function told(t: ExecutionContext, facts: readonly (readonly [string, Fact])[], throughS = 60, schedules = ticking) {
  const folder = await mkdtemp(join(tmpdir(), 'chaos-judge-'));
  t.teardown(() => rm(folder, {recursive: true}));
  const log = join(folder, 'ends');
  await writeFile(log, '');
  const journal = new MemoryJournal(new ManualClock());
  for (const [stream, fact] of facts) journal.record(stream, [fact]);
  const asked = {senders: [], schedules, through: began + throughS * 1000};
  const {doubled, missed, settledTwice} = await judge(journal, asked, log, {during: () => [], afterwards: () => 0});
  return {doubled, missed, settledTwice, open: await unsettled(journal, asked)};
}

const clean = {doubled: 0, missed: 0, settledTwice: 0, open: 0};

test('an occurrence that two cores claimed first is doubled, also when each ran it', async t => {
  const both = ['a', 'b'].map(id => [`invocation.${id}`, settled] as const);
  t.deepEqual(await told(t, [fired(0, 'a'), fired(0, 'b'), ...both]), {...clean, doubled: 1});
});

test('a fact that a stream has twice is doubled, and an end that it has twice is counted as such', async t => {
  const none = (facts: readonly (readonly [string, Fact])[]) => told(t, facts, 60, []);
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
