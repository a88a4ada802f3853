import {randomUUIDv7} from 'node:crypto';
import test from 'ava';
import {accepter} from '../../middleware/work/accept.ts';
import {Fault} from '../../src/errors.ts';
import {MemoryJournal} from '../../src/journals/memory/journal.ts';
import {mostWaiters, WorkHall, type WorkRunner} from '../../src/work/hall.ts';
import type {Wish} from '../../src/work/wish.ts';
import {ManualClock} from '../helpers/clock.ts';
import {requestInput, stageContext} from '../helpers/fakes.ts';

/** @param some what else the hall's runner is */
function entrance(some: Partial<WorkRunner> = {}, most = 1) {
  const clock = new ManualClock();
  const {work: store} = new MemoryJournal(clock);
  const hall = new WorkHall(store, {limits: {attempts: 1, deaths: 1}, most, durability: 'fsync', isKept: () => true}, clock);
  const woken: (number | undefined)[] = [];
  const ran: string[] = [];
  const run: WorkRunner['run'] = ({id}) => ran.push(id);
  hall.runner = {run, abort: () => false, pause() {}, isClosing: false, isPaused: false, wake: due => woken.push(due), ...some};
  const unreachable = () => Promise.reject(new TypeError('It was asked how the work ended'));
  const accept = accepter({
    hall,
    redact: fields => [...fields],
    functionName: '',
    isPublic: true,
    longestWaitMs: 1000,
    now: () => clock.now(),
    replyOf: unreachable,
    isOpen: unreachable,
  });
  const send = (wish: Wish, input = requestInput()) => {
    const {state} = stageContext({signal: new AbortController().signal} as never);
    return accept({...state, id: randomUUIDv7()}, input, wish);
  };
  return {clock, store, hall, send, ran, woken};
}

test('while work is paused, what is sent with a wait is not run either, and its sender gets a receipt', async t => {
  const {clock, store, send, ran} = entrance({isPaused: true});
  const reply = send({isAsync: true, waitMs: 500});
  while (clock.pending === 0) await clock.turn();
  t.like(await store.census(), {waiting: 1, running: 0});
  await clock.advance(500);
  t.is((await reply)?.status, 202);
  t.deepEqual(ran, []);
});

test('a call with a key that is waited for runs during a pause, as a call without one does', async t => {
  const {clock, send, ran} = entrance({isPaused: true});
  const reply = send({isAsync: false, waitMs: 0, idempotencyKey: 'a'});
  while (ran.length === 0) await clock.turn();
  await clock.advance(1000);
  t.is((await reply)?.status, 202);
});

test('a request whose commit failed is refused, and work is looked for, as the request may be kept', async t => {
  const {store, send, woken} = entrance();
  store.enqueue = () => Promise.reject(new Fault('JOURNAL_FAILED'));
  await t.throwsAsync(send({isAsync: true, waitMs: 0}), {code: 'JOURNAL_FAILED'});
  t.is(woken.length, 1);
});

test('work is refused for good where the journal is in memory, and for now where a disk fails', async t => {
  const clock = new ManualClock();
  for (const [durability, code] of [
    ['process', 'WORK_NOT_KEPT'],
    ['fsync', 'JOURNAL_FAILED'],
  ] as const) {
    const {work: store} = new MemoryJournal(clock);
    const hall = new WorkHall(store, {limits: {attempts: 1, deaths: 1}, most: 1, durability, isKept: () => false}, clock);
    const accept = accepter({hall} as never); // it comes no further
    const {state} = stageContext({signal: new AbortController().signal} as never);
    await t.throwsAsync(accept(state, requestInput(), {isAsync: true, waitMs: 0}), {code});
  }
});

test('what runs at once is charged to its run, as its sender may leave before its end; what waits is still charged to its sender', async t => {
  let handed = 0;
  const input = requestInput({holder: {written() {}, handedOver: () => void handed++} as never});
  const {clock, send, ran} = entrance();
  const reply = send({isAsync: true, waitMs: 10}, input);
  while (ran.length === 0) await clock.turn();
  await clock.advance(10);
  t.is((await reply)?.status, 202);
  t.is(handed, 1);
  await entrance().send({isAsync: true, waitMs: 0}, input);
  t.is(handed, 1);
});

test('past a thousand callers who wait for work that is not due, a receipt comes at once; what runs for its caller is waited for', async t => {
  const {clock, hall, send, ran} = entrance({}, 2000);
  const due = clock.now() + 3_600_000;
  const waiting = Array.from({length: mostWaiters}, () => send({isAsync: true, waitMs: 1000, due}));
  while (hall.waiters < mostWaiters) await clock.turn();
  const refused = await send({isAsync: true, waitMs: 1000, due, applied: 'respond-async, wait=1'});
  t.is(refused?.status, 202);
  t.is(refused?.headers.at((refused?.headers.indexOf('Preference-Applied') ?? 0) + 1), 'respond-async');
  const called = send({isAsync: false, waitMs: 0, idempotencyKey: 'a'});
  while (ran.length === 0) await clock.turn();
  t.is(hall.waiters, mostWaiters + 1);
  await clock.advance(1000);
  for (const reply of [...waiting, called]) t.is((await reply)?.status, 202);
  t.is(hall.waiters, 0);
});
