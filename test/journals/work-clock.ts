import {randomUUIDv7} from 'node:crypto';
import test, {type ExecutionContext} from 'ava';
import type {Fact} from '../../src/facts.ts';
import type {Claimed, WorkItem} from '../../src/work.ts';
import {ManualClock} from '../helpers/clock.ts';
import {hour, newFile, openFile} from '../helpers/sqlite-journal.ts';

/* The wall clock is set back and forth by an hour while work waits, is delayed, is tried again, runs and expires. */

const limits = {attempts: 3, deaths: 2};
const accepted: Fact = {type: 'invocation.accepted', data: {source: 'work', bytes: 0, attempt: 1}};
const settled: Fact = {type: 'invocation.settled', data: {outcome: 'responded', status: 200, durationMs: 1}};
const again: Fact = {type: 'retry.scheduled', data: {attempt: 2, afterMs: 0}};
const minute = 60_000;

async function opened(t: ExecutionContext, file?: string, clock = new ManualClock()) {
  const path = file ?? (await newFile(t));
  const journal = await openFile(path, clock);
  t.teardown(() => journal[Symbol.asyncDispose]());
  const {work} = journal;
  const send = async (some: Partial<WorkItem> = {}) => {
    const item = {id: randomUUIDv7(), acceptedAt: clock.now(), due: clock.now(), ...some};
    await work.enqueue(item, {facts: [accepted], payloads: [], most: 100});
    return item.id;
  };
  const claim = async (most = 10) => (await work.claim(most, limits)).map(({id}) => id);
  const take = async () => (await work.claim(1, limits))[0] as Claimed; // the test has sent one
  const step = (ms: number) => clock.setWall(clock.now() + ms);
  return {file: path, clock, journal, work, send, claim, take, step};
}

test('what waits for a place when the clock goes back is due, before what comes later', async t => {
  const {clock, send, claim, step} = await opened(t);
  const old = [await send(), await send()];
  step(-hour);
  const fresh = await send();
  t.deepEqual(await claim(2), old);
  t.deepEqual(await claim(), [fresh]);
  await clock.advance(1);
  t.deepEqual(await claim(), []);
});

test('what waits behind its key when the clock goes back is due when that ends', async t => {
  const {work, send, claim, take, step} = await opened(t);
  await send({orderingKey: 'a'});
  const second = await send({orderingKey: 'a'});
  const running = await take();
  step(-hour);
  t.true(await work.settle(running, {facts: [settled]}), 'what runs is not affected');
  t.deepEqual(await claim(), [second]);
});

test('a retry waits as long as it was to when the clock goes back, and no longer', async t => {
  const {clock, work, send, claim, take, step} = await opened(t);
  const id = await send();
  await work.retryAt(await take(), {facts: [again], due: clock.now() + 10 * minute, deaths: 0});
  step(-hour);
  t.deepEqual(await claim(), []);
  t.is(await work.nextDue(), clock.now() + 10 * minute);
  await clock.advance(10 * minute - 1);
  t.deepEqual(await claim(), []);
  await clock.advance(1);
  t.deepEqual(await claim(), [id]);
});

test('retries that are arranged after the clock went back keep their pause', async t => {
  const {clock, work, send, claim, take, step} = await opened(t);
  const id = await send();
  step(-hour);
  await work.retryAt(await take(), {facts: [again], due: clock.now() + minute, deaths: 0});
  t.deepEqual(await claim(), []);
  step(-hour);
  step(hour);
  await clock.advance(minute);
  t.deepEqual(await claim(), [id]);
});

test('what is delayed never starts before its moment, however the clock is set', async t => {
  const {clock, send, claim, step} = await opened(t);
  const moment = clock.now() + 10 * minute;
  const id = await send({due: moment});
  for (const ms of [-hour, hour, -hour, hour + 10 * minute - 1]) {
    step(ms);
    t.deepEqual(await claim(), [], new Date(clock.now()).toISOString());
  }
  await clock.advance(1);
  t.is(clock.now(), moment);
  t.deepEqual(await claim(), [id]);
});

test('what expires by the clock has one end, and what does not runs after all', async t => {
  const {work, clock, send, step, claim} = await opened(t);
  const [first, second] = [await send({expires: clock.now() + 30 * minute}), await send({expires: clock.now() + 90 * minute})];
  step(hour);
  const [expired, other] = await work.claim(2, limits);
  t.like(expired, {id: first, task: 'expire'});
  t.like(other, {id: second, task: 'run'});
  step(-hour);
  t.true(await work.settle(expired as Claimed, {facts: [settled]}));
  t.deepEqual(await claim(), [], 'it is over');
});

test('what a core left is due after the next start, when the clock was set back between them', async t => {
  const {file, clock, journal, work, send, take} = await opened(t);
  const waits = await send();
  const [head, behind] = [await send({orderingKey: 'a'}), await send({orderingKey: 'a'})];
  const delayed = await send({due: clock.now() + minute});
  t.is((await take()).id, waits);
  await work.settle((await work.claim(1, limits))[0] as Claimed, {facts: [settled], posts: true});
  t.is((await work.find(head))?.isCallback, true);
  await journal[Symbol.asyncDispose]();
  clock.setWall(clock.now() - hour);
  const next = await opened(t, file, clock);
  t.deepEqual((await next.claim()).toSorted(), [waits, head, behind].toSorted());
  await clock.advance(hour + minute);
  t.deepEqual(await next.claim(), [delayed]);
});

test('a clock that is adjusted a little moves nothing', async t => {
  const {clock, work, send, take, step} = await opened(t);
  await send();
  await work.retryAt(await take(), {facts: [again], due: clock.now() + minute, deaths: 0});
  const due = clock.now() + minute;
  step(-900);
  await send();
  t.is((await work.list({limit: 1}))[0]?.due, due);
});
