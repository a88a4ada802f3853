import {spawn} from 'node:child_process';
import {once} from 'node:events';
import test from 'ava';
import {Watchdog} from '../../src/workers/watchdog.ts';
import {gone, isAlive} from '../helpers/process.ts';

const sleeper = () =>
  spawn('/bin/sh', ['-c', 'trap "" TERM; sleep 60 & echo $!; wait'], {detached: true, stdio: ['ignore', 'pipe', 'ignore']});

test('when its input ends it ends every group that it watched, and none that it forgot', async t => {
  const watchdog = new Watchdog();
  const [watched, forgotten] = [sleeper(), sleeper()];
  const [[grandchild]] = await Promise.all([once(watched.stdout, 'data'), once(forgotten.stdout, 'data')]);
  watchdog.watch(watched.pid ?? 0);
  watchdog.watch(forgotten.pid ?? 0);
  watchdog.forget(forgotten.pid ?? 0);
  const ended = once(watched, 'exit');
  watchdog[Symbol.dispose](); // what a dead core does, too
  t.deepEqual(await ended, [null, 'SIGKILL']);
  await gone(Number(grandchild));
  t.true(isAlive(forgotten.pid ?? 0));
  const over = once(forgotten, 'exit');
  process.kill(-(forgotten.pid ?? 0), 'SIGKILL');
  await over;
});

test('with nothing to watch it does nothing', t => {
  const watchdog = new Watchdog();
  t.notThrows(() => watchdog[Symbol.dispose]());
});
