import test from 'ava';
import {figureNames, figuresOf, quantileMs} from '../../src/observe/metrics/figures.ts';
import {Recent} from '../../src/observe/recent/recent.ts';
import {ManualClock} from '../helpers/clock.ts';
import {processOf} from '../helpers/metrics.ts';

/** What is kept of the metrics of one process, and of those of others. */
function recentOf(t: {teardown(undo: () => void): void}, ...processes: ReturnType<typeof processOf>[]) {
  const clock = new ManualClock();
  const house = {clock, looks: 0, fails: false};
  const recent = new Recent({
    clock,
    async families() {
      house.looks++;
      if (house.fails) throw new Error('cannot be asked');
      return Promise.all(processes.map(process => process.some(figureNames)));
    },
  });
  t.teardown(() => recent[Symbol.dispose]());
  return {recent, clock, house};
}

test('nothing happened: no rates, no times, and nothing breaks', t => {
  const {requests, buckets, coreBytes} = figuresOf([]);
  t.deepEqual([requests, coreBytes], [0, 0]);
  t.is(quantileMs(buckets, buckets, 0.5), undefined);
});

test('every metric that figures are made of exists', async t => {
  const found = await processOf().some(figureNames);
  t.deepEqual(found.map(({name}) => name).sort(), [...figureNames].sort());
});

test('the figures are sums of what all processes counted', async t => {
  const [one, other] = [processOf(), processOf()];
  one.meter.requestStarted();
  one.meter.requestEnded('GET', 200, 0.003);
  one.meter.requestStarted();
  other.meter.requestStarted();
  other.meter.requestEnded('POST', 502, 0.02);
  one.meter.invocationEnded('http', 'ok', 0.003);
  other.meter.invocationEnded('http', 'error', 0.02);
  other.meter.invocationEnded('cron', 'error', 0.02);
  other.meter.invocationEnded('none', 'error', 0.001); // refused: it is a request
  other.meter.runtimeExited('exit-nonzero');
  for (const asked of ['reloaded', 'stopped'] as const) other.meter.runtimeExited(asked); // no restarts
  other.meter.queued(4);
  const figures = figuresOf([await one.some(figureNames), await other.families()]);
  t.like(figures, {
    requests: 2,
    errors: 1,
    invocations: 4,
    failures: 3,
    otherCalls: 1,
    otherFailures: 1,
    restarts: 1,
    waiting: 4,
    inFlight: 1,
    subRuntimesReady: 4,
  });
  t.is(figures.buckets.at(-1), 4);
  t.is(figures.functionBytes, 2000);
});

test('a quantile is found in its bucket', t => {
  const before = figuresOf([]).buckets;
  const after = before.map((_, index) => (index < 2 ? 0 : index < 5 ? 50 : 100)); // 50 within 5 ms, 50 more within 50 ms
  t.is(quantileMs(before, after, 0.5), 5);
  t.true((quantileMs(before, after, 0.99) ?? 0) > 40 && (quantileMs(before, after, 0.99) ?? 0) <= 100);
  t.is(quantileMs(after, after, 0.5), undefined);
  const slow = before.map((_, index) => (index === before.length - 1 ? 1 : 0));
  t.is(quantileMs(before, slow, 0.5), 300_000);
});

test('an hour is kept in steps of ten seconds though nobody looks, and no more than an hour', async t => {
  const process = processOf();
  const {recent, clock, house} = recentOf(t, process);
  await clock.advance(5000);
  for (let request = 0; request < 20; request++) {
    process.meter.requestStarted();
    process.meter.requestEnded('GET', 200, 0.003);
  }
  await clock.advance(10_000);
  const {stepMs, columns} = recent.history('1h');
  t.is(stepMs, 10_000);
  t.deepEqual(columns.requests, [2]);
  t.deepEqual(columns.p50Ms, [null]);
  await clock.advance(4000 * 1000);
  t.is(recent.history('1h').columns.at?.length, 360);
  t.is(house.looks, 401);
  t.is(clock.pending, 1);
});

test('every second is kept only while somebody looks', async t => {
  const process = processOf();
  const {recent, clock, house} = recentOf(t, process);
  t.is((await recent.now()).row.overMs, 0);
  process.meter.requestStarted();
  process.meter.requestEnded('GET', 500, 0.003);
  await clock.advance(1000);
  const {row} = await recent.now();
  t.like(row, {requests: 1, errors: 1, overMs: 1000});
  await clock.advance(15_000);
  const {looks} = house;
  t.is(recent.history('1m').columns.at?.length, 16);
  await clock.advance(500);
  for (let second = 0; second < 100; second++) {
    recent.history('1m');
    await clock.advance(1000);
  }
  t.true(house.looks > looks + 100);
  t.is(recent.history('1m').columns.at?.length, 60);
  await clock.advance(60_000);
  const before = house.looks;
  await clock.advance(60_000);
  t.is(house.looks - before, 6);
});

test('a moment at which the metrics cannot be asked is left out', async t => {
  const {recent, clock, house} = recentOf(t, processOf());
  await clock.advance(10_000);
  house.fails = true;
  await clock.advance(20_000);
  t.is((await recent.now()).row.overMs, 0);
  house.fails = false;
  await clock.advance(10_000);
  t.is(recent.history('1h').columns.at?.length, 2);
});

test('once it is over nothing is sampled', async t => {
  const {recent, clock, house} = recentOf(t, processOf());
  await recent.now();
  recent[Symbol.dispose]();
  await clock.advance(1000);
  const {looks} = house;
  await clock.advance(100_000);
  t.is(house.looks, looks);
  t.is(clock.pending, 0);
});
