import test from 'ava';
import {describeProgress, openProgress} from '../../src/command/progress.ts';
import {ManualClock} from '../helpers/clock.ts';

function opened(isTTY: boolean, total?: number) {
  const clock = new ManualClock();
  const written: string[] = [];
  const stream = {isTTY, columns: 100, write: (text: string) => written.push(text)};
  const progress = openProgress({title: 'replay', unit: 'invocations', total}, {clock, stream});
  return {clock, written, progress};
}

test('what is over within a second shows nothing, on a terminal or not', async t => {
  for (const isTTY of [true, false]) {
    const {clock, written, progress} = opened(isTTY, 10);
    progress.at(5);
    await clock.advance(990);
    progress[Symbol.dispose]();
    await clock.advance(60_000);
    t.deepEqual(written, []);
    t.is(clock.pending, 0);
  }
});

test('a terminal has a bar that moves by itself, goes away for other lines, and at the end', async t => {
  const {clock, written, progress} = opened(true, 40);
  progress.at(10);
  await clock.advance(5000);
  t.is(written.length, 21);
  t.is(written.at(-1), '\r' + 'replay  █████░░░░░░░░░░░░░░░   25 %  10 of 40 invocations  2/s  15 s left' + '\x1b[K');
  progress.hide({isTTY: false});
  progress.hide({isTTY: true});
  progress.hide({isTTY: true});
  t.deepEqual(written.slice(21), ['\r\x1b[K']);
  await clock.advance(200);
  progress[Symbol.dispose]();
  t.is(written.at(-1), '\r\x1b[K');
});

test('elsewhere there is a line every ten seconds, without a control character', async t => {
  const {clock, written, progress} = opened(false, 40);
  await clock.advance(9990);
  t.deepEqual(written, []);
  progress.at(10);
  await clock.advance(10_020);
  progress[Symbol.dispose]();
  t.deepEqual(written, [
    'core-runtime: replay  25 %  10 of 40 invocations  1/s  30 s left\n',
    'core-runtime: replay  25 %  10 of 40 invocations  0.5/s  60 s left\n',
  ]);
});

test('work that does not let timers run is shown as it goes on', t => {
  const clock = new ManualClock();
  let now = 0;
  const written: string[] = [];
  const stream = {isTTY: true, columns: 30, write: (text: string) => written.push(text)};
  const progress = openProgress({title: 'verify', unit: 'facts'}, {clock: Object.assign(clock, {monotonic: () => now}), stream});
  for (; now < 1500; now += 10) progress.at(now);
  t.is(written.length, 3);
  t.is(written[0], '\rverify  1,000 facts  1,000/s \x1b[K', 'cut to the width');
});

test('amounts have a unit that fits, and nothing is divided by zero', t => {
  const state = {title: 'import', unit: 'bytes', done: 5 * 2 ** 19, total: 2 ** 22, elapsedMs: 1000};
  t.is(describeProgress(state, false), 'import  62 %  2.5 MiB of 4.0 MiB  2.5 MiB/s  1 s left');
  t.is(describeProgress({...state, done: 0, total: 0, elapsedMs: 0}, false), 'import  100 %  0 KiB of 0 KiB');
  t.is(
    describeProgress({...state, unit: 'facts', total: undefined, done: 3, elapsedMs: 180_000}, false),
    'import  3 facts  <0.1/s  3 min so far',
  );
});
