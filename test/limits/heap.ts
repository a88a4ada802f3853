import {execFile} from 'node:child_process';
import {promisify} from 'node:util';
import test from 'ava';
import {collectPast, leaveRoom} from '../../src/limits/heap.ts';
import {ManualClock} from '../helpers/clock.ts';
import {projectFile} from '../helpers/core.ts';

const mebibyte = 2 ** 20;

/** A process whose memory the test sets; a collection leaves `left`. */
function process({coreBytes = 60 * mebibyte, stepBytes = 4 * mebibyte, left = 50 * mebibyte, tookMs = 0} = {}) {
  const clock = new ManualClock();
  const memory = {bytes: 0, left, collections: 0};
  let spentMs = 0; // in collections, while nothing else happens
  const garbage = collectPast({
    clock: {after: (ms, fire) => clock.after(ms, fire), monotonic: () => clock.monotonic() + spentMs},
    coreBytes,
    stepBytes,
    ownBytes: () => memory.bytes,
    collect() {
      memory.collections++;
      memory.bytes = memory.left;
      spentMs += tookMs;
    },
  });
  return {clock, memory, garbage};
}

test('below its share nothing is collected', async t => {
  const {clock, memory, garbage} = process();
  memory.bytes = 60 * mebibyte;
  garbage.moved(100 * mebibyte);
  await clock.advance(1000);
  t.is(memory.collections, 0);
});

test('where the system does not tell the size, nothing is collected', async t => {
  const {clock, memory, garbage} = process();
  memory.bytes = Number.NaN;
  garbage.moved(100 * mebibyte);
  await clock.advance(1000);
  t.is(memory.collections, 0);
});

test('past its share it collects when much came and went, without a wait', t => {
  const {memory, garbage} = process();
  memory.bytes = 61 * mebibyte;
  garbage.moved(3 * mebibyte);
  t.is(memory.collections, 0);
  garbage.moved(mebibyte);
  t.is(memory.collections, 1);
});

test('past its share it collects at the next look, too, as small requests leave garbage that nobody counts', async t => {
  const {clock, memory} = process();
  memory.bytes = 61 * mebibyte;
  await clock.advance(250);
  t.is(memory.collections, 1);
});

test('what is alive is not collected again and again', async t => {
  const {clock, memory, garbage} = process({left: 70 * mebibyte});
  memory.bytes = 71 * mebibyte;
  garbage.moved(4 * mebibyte);
  t.is(memory.collections, 1);
  memory.bytes = 73 * mebibyte;
  await clock.advance(10_000);
  t.is(memory.collections, 1);
  memory.bytes = 74 * mebibyte;
  await clock.advance(250);
  t.is(memory.collections, 2);
});

test('what large bodies leave is collected at once, anything else in a tenth of the time', async t => {
  const {clock, memory, garbage} = process({left: 61 * mebibyte, tookMs: 100});
  memory.bytes = 70 * mebibyte;
  await clock.advance(250);
  t.is(memory.collections, 1);
  memory.bytes = 70 * mebibyte;
  await clock.advance(750);
  t.is(memory.collections, 1);
  garbage.moved(4 * mebibyte);
  t.is(memory.collections, 2);
  memory.bytes = 70 * mebibyte;
  await clock.advance(2000);
  t.is(memory.collections, 3);
});

test('garbage is given back, and the function does not see how', async t => {
  const program = `
    const {collectPast} = await import('${projectFile('src/limits/heap.ts')}');
    const {systemClock} = await import('${projectFile('src/clock.ts')}');
    const garbage = collectPast({clock: systemClock, coreBytes: 1, stepBytes: 1});
    let kept = Array.from({length: 1e6}, (_, index) => ({index}));
    const before = process.memoryUsage().heapUsed;
    kept = undefined;
    garbage.moved(2 ** 30);
    console.log(before - process.memoryUsage().heapUsed > 2e7, typeof gc);
  `;
  const {stdout} = await promisify(execFile)(globalThis.process.execPath, ['--input-type=module', '--eval', program]);
  t.is(stdout, 'true undefined\n');
});

/** A heap whose size the test sets, and how often its size it was let grow. */
function heap(megabytes: number) {
  const clock = new ManualClock();
  const state = {megabytes, grown: [] as number[]};
  const garbage = leaveRoom({clock, heapBytes: () => state.megabytes * mebibyte, grow: times => state.grown.push(times)});
  return {clock, state, garbage};
}

test('while few bytes of large bodies come and go, a heap grows as it did', async t => {
  const {clock, state, garbage} = heap(1);
  garbage.moved(3 * mebibyte);
  await clock.advance(1000);
  t.deepEqual(state.grown, []);
});

test('a large heap grows as it did, whatever comes and goes', t => {
  const {state, garbage} = heap(33);
  garbage.moved(100 * mebibyte);
  t.deepEqual(state.grown, []);
});

test('a small heap has room while large bodies come and go, and none once they do not', async t => {
  const {clock, state, garbage} = heap(12);
  garbage.moved(4 * mebibyte);
  t.deepEqual(state.grown, [4]);
  garbage.moved(4 * mebibyte);
  await clock.advance(250);
  t.deepEqual(state.grown, [4]);
  await clock.advance(250);
  t.deepEqual(state.grown, [4, 1]);
  garbage.moved(4 * mebibyte);
  t.deepEqual(state.grown, [4, 1, 4]);
});

test('a heap that has grown has less room', async t => {
  const {clock, state, garbage} = heap(12);
  garbage.moved(4 * mebibyte);
  for (const megabytes of [20, 30, 500]) {
    state.megabytes = megabytes;
    garbage.moved(100 * mebibyte);
    await clock.advance(250);
  }
  t.deepEqual(state.grown, [4, 3, 2, 1]);
});
