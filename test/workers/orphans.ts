import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdtemp, rm, symlink} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {systemClock} from '../../src/clock.ts';
import {OrphanKiller} from '../../src/workers/process/orphans.ts';
import {ManualClock} from '../helpers/clock.ts';
import {projectFile} from '../helpers/core.ts';
import {recordingLog} from '../helpers/fakes.ts';
import {gone, isAlive} from '../helpers/process.ts';

const watching = () => new OrphanKiller({mark: 'MARK=none', clock: systemClock, log: recordingLog()});

const sleeper = () =>
  spawn('/bin/sh', ['-c', 'trap "" TERM; sleep 60 & echo $!; wait'], {detached: true, stdio: ['ignore', 'pipe', 'ignore']});

test('when its input ends it ends every group that it watched, and none that it forgot', async t => {
  const orphanKiller = watching();
  const [watched, forgotten] = [sleeper(), sleeper()];
  const [[grandchild]] = await Promise.all([once(watched.stdout, 'data'), once(forgotten.stdout, 'data')]);
  orphanKiller.watch(watched.pid ?? 0);
  orphanKiller.watch(forgotten.pid ?? 0);
  orphanKiller.forget(forgotten.pid ?? 0);
  const ended = once(watched, 'exit');
  orphanKiller[Symbol.dispose]();
  t.deepEqual(await ended, [null, 'SIGKILL']);
  await gone(Number(grandchild));
  t.true(isAlive(forgotten.pid ?? 0));
  const over = once(forgotten, 'exit');
  process.kill(-(forgotten.pid ?? 0), 'SIGKILL');
  await over;
});

test('with nothing to watch it does nothing', t => {
  const orphanKiller = watching();
  t.notThrows(() => orphanKiller[Symbol.dispose]());
});

/** A process of its own that has an orphan killer, does what the text says, and is killed. The id that it wrote. */
async function killedAfter(t: ExecutionContext, text: string): Promise<number> {
  const program = `
    import {spawn} from 'node:child_process';
    import {readFileSync} from 'node:fs';
    import {systemClock} from '${projectFile('src/clock.ts')}';
    import {OrphanKiller} from '${projectFile('src/workers/process/orphans.ts')}';
    const mark = 'CANARY=' + process.pid + '.' + Date.now();
    const orphanKiller = new OrphanKiller({mark, clock: systemClock, log: console});
    const children = () => readFileSync('/proc/self/task/' + process.pid + '/children', 'utf8').trim().split(' ');
    const start = env => spawn('/bin/sleep', ['60'], {detached: true, stdio: 'ignore', env});
    setInterval(() => {}, 1000);
    ${text}`;
  const core = spawn(process.execPath, ['--input-type=module', '-e', program], {stdio: ['ignore', 'pipe', 'inherit']});
  const ended = once(core, 'exit');
  t.teardown(() => {
    core.kill('SIGKILL');
    return ended;
  });
  const [written] = await once(core.stdout, 'data');
  core.kill('SIGKILL');
  await ended;
  return Number(written);
}

test('a process that was not listed yet is known by its environment', async t => {
  const pid = await killedAfter(t, `console.log(start({CANARY: mark.slice(7)}).pid);`);
  t.true(pid > 0);
  await gone(pid);
});

test('when somebody ended its shell, another watches', async t => {
  const pid = await killedAfter(
    t,
    `
    const [first] = children();
    const {pid} = start({});
    orphanKiller.watch(pid);
    process.kill(Number(first), 'SIGKILL');
    while (children().includes(first) || children().length < 2) await systemClock.sleep(5);
    console.log(pid);`,
  );
  t.true(pid > 0);
  await gone(pid);
});

test('where no shell can be started, that is logged once, and one is started as soon as possible', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'orphans-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  const shell = join(folder, 'sh');
  const clock = new ManualClock();
  const log = recordingLog();
  const orphanKiller = new OrphanKiller({mark: 'MARK=none', clock, log, shell});
  const watched = sleeper();
  const ended = once(watched, 'exit');
  await once(watched.stdout, 'data');
  orphanKiller.watch(watched.pid ?? 0);
  for (let tries = 0; tries < 3; tries++) {
    while (clock.pending === 0) await systemClock.sleep(5);
    await clock.advance(10_000);
  }
  t.is(log.lines.length, 1);
  while (clock.pending === 0) await systemClock.sleep(5);
  await symlink('/bin/sh', shell);
  await clock.advance(10_000);
  orphanKiller[Symbol.dispose]();
  t.deepEqual(await ended, [null, 'SIGKILL']);
});
