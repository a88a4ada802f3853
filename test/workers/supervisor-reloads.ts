import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {loaded, supervise} from '../helpers/supervise.ts';

test('a reload starts newer code beside the old, which ends when it was taken over from', async t => {
  const {supervisor, ready, until, facts, pool, ports} = await supervise(t, loaded);
  await ready();
  const [old] = supervisor.pids;
  t.is(await supervisor.reload(), undefined);
  await until(() => facts.some(({type, data}) => type === 'runtime.exited' && (data as {reason: string}).reason === 'reloaded'));
  t.is(supervisor.pids.length, 1);
  t.not(supervisor.pids[0], old);
  t.is(supervisor.state.phase, 'ready');
  t.is(pool.size, 1);
  t.is(new Set(ports).size, 2);
});

test('a process that was still starting when newer code took over does not take over from that', async t => {
  const once = await loadedOnce(
    t,
    `process.on('SIGTERM', () => { require('fs').writeSync(3, '{"loaded":true}\\n'); setTimeout(() => process.exit(), 200); });
     console.log('starting'); setInterval(() => {}, 1000);`,
  );
  const {supervisor, until, lines, facts, pool, count} = await supervise(t, once(loaded));
  await until(() => lines.length > 0);
  const [old] = supervisor.pids;
  t.is(await supervisor.reload(), undefined);
  await until(() => count('runtime.exited') > 0);
  t.like(facts.at(-1), {type: 'runtime.exited', data: {reason: 'reloaded'}});
  t.is(supervisor.pids.length, 1);
  t.not(supervisor.pids[0], old);
  t.is(pool.size, 1);
});

test('with newer code that cannot be loaded, or that ends, the old code goes on serving and the reason is given', async t => {
  const once = await loadedOnce(t);
  for (const [then, cause] of [
    [`require('fs').writeSync(3, '{"loaded":false,"error":"SyntaxError"}\\n'); setInterval(() => {}, 1000)`, 'SyntaxError'],
    ['process.exit(1)', 'the new sub-runtime ended before it was ready'],
  ] as const) {
    const {supervisor, ready, pool, until} = await supervise(t, once(then));
    await ready();
    const [old] = supervisor.pids;
    t.is(await supervisor.reload(), cause);
    await until(() => supervisor.pids.length === 1);
    t.is(supervisor.pids[0], old);
    t.is(supervisor.state.phase, 'ready');
    t.is(pool.size, 1);
  }
});

test('a function that was given up is started once in a while, and serves again when it no longer ends', async t => {
  const once = await loadedOnce(t, 'process.exit(1)');
  const {supervisor, until, told, count, log} = await supervise(t, once(loaded), {policy: {exitsAllowed: 0, trialMs: 300}});
  await until(() => count('runtime.gave-up') === 1);
  t.is(supervisor.state.phase, 'gave-up');
  t.deepEqual(told, ['gave up']);
  t.true(log.lines.some(({message}) => /from now on a start is tried every 30 to 60 s/.test(message)));
  await until(() => count('runtime.ready') === 1);
  t.is(supervisor.state.phase, 'ready');
  t.deepEqual(told, ['gave up', 'tried']);
  t.is(count('runtime.spawned'), 2);
});

test('a trial start that fails is followed by another, and by one only', async t => {
  const {supervisor, until, told, count} = await supervise(t, 'process.exit(1)', {policy: {exitsAllowed: 0, trialMs: 50}});
  await until(() => count('runtime.gave-up') === 1);
  t.is(await supervisor.reload(), 'the new sub-runtime ended before it was ready'); // no reason to try twice as often
  await until(() => count('runtime.gave-up') >= 5);
  const spawned = count('runtime.spawned');
  t.is(told.filter(each => each === 'tried').length, spawned - 2); // the first start, and the reload
  t.true(supervisor.pids.length <= 1);
});

test('a stopped supervisor reloads nothing', async t => {
  const {supervisor, ready, count} = await supervise(t, loaded);
  await ready();
  await supervisor[Symbol.asyncDispose]();
  t.is(await supervisor.reload(), 'the runtime is shutting down');
  t.is(count('runtime.spawned'), 1);
});
/** A program that loads the first time that it runs, or does something else then, and later does what it is told. */
async function loadedOnce(t: ExecutionContext, first = loaded): Promise<(then: string) => string> {
  const folder = await mkdtemp(join(tmpdir(), 'once-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  let programs = 0;
  return then => {
    const mark = JSON.stringify(join(folder, String(programs++)));
    return `if (require('fs').existsSync(${mark})) {${then}} else {require('fs').writeFileSync(${mark}, ''); ${first}}`;
  };
}
