import test from 'ava';
import {systemClock} from '../src/clock.ts';

test('a sleep that is aborted is over at once and says so', async t => {
  t.false(await systemClock.sleep(60_000, AbortSignal.abort()));
  const stop = new AbortController();
  const sleeping = systemClock.sleep(60_000, stop.signal);
  stop.abort();
  t.false(await sleeping);
});

test('a timer that was stopped does not fire', async t => {
  const stop = systemClock.after(1, () => t.fail());
  stop();
  stop();
  t.true(await systemClock.sleep(20));
});

test('a wait longer than a timer can take does not fire at once', async t => {
  const stop = systemClock.after(2 ** 40, () => t.fail());
  t.true(await systemClock.sleep(20));
  stop();
});

test('a sleep passes, and leaves nothing on its signal', async t => {
  const stop = new AbortController();
  const started = systemClock.monotonic();
  t.true(await systemClock.sleep(20, stop.signal));
  t.true(systemClock.monotonic() - started >= 19);
  t.notThrows(() => stop.abort());
});

test('the wall clock is the system’s', t => {
  const before = Date.now();
  const now = systemClock.now();
  t.true(before <= now && now <= Date.now());
});

test.serial('a timer for a time that has passed does not fail', async t => {
  const warnings: string[] = [];
  const note = ({name}: Error) => void warnings.push(name);
  process.on('warning', note);
  const awake = setInterval(() => {}, 1000); // a timer of the clock keeps no process alive
  await new Promise<void>(resolve => void systemClock.after(-3, resolve));
  clearInterval(awake);
  t.true(await systemClock.sleep(-3));
  await systemClock.turn(); // a warning is told a moment later
  process.off('warning', note);
  t.deepEqual(warnings, []);
});
