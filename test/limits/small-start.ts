import {readFileSync} from 'node:fs';
import test, {type ExecutionContext} from 'ava';
import {contain} from '../../bench/container/contained.ts';
import {descendants} from '../../bench/processes.ts';
import {ourProgram} from '../../bench/servers.ts';
import {systemClock} from '../../src/clock.ts';

const mebibyte = 2 ** 20;
const argsOf = (pid: number) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');

/** A core in a container of this size; undefined where this machine lets nobody make one. */
async function startIn(t: ExecutionContext, limitBytes: number, env: Record<string, string> = {}) {
  const stack = new AsyncDisposableStack();
  t.teardown(() => stack.disposeAsync());
  const program = await ourProgram('echo', stack, {env: {CORE_JOURNAL: 'memory:', ...env}});
  const core = await contain(program, limitBytes);
  if (!core) {
    t.log('Not tested: this machine lets nobody make a memory control group');
    t.pass();
    return undefined;
  }
  stack.use(core);
  const url = `http://127.0.0.1:${program.port}`;
  while (!(await fetch(url).catch(() => undefined))?.ok && !core.isOver()) await systemClock.sleep(50);
  const metrics = await (await fetch(`${url}/metrics`)).text();
  const bridges = descendants([core.pid]).filter(pid => argsOf(pid).some(arg => arg.endsWith('bridge.cjs')));
  return {core: argsOf(core.pid), bridge: argsOf(bridges[0] ?? 0), metrics};
}

test('in a small container core and function get small heaps, and the metrics say how the memory is divided', async t => {
  const started = await startIn(t, 128 * mebibyte);
  if (!started) return;
  const {core, bridge, metrics} = started;
  t.true(core.includes('--max-old-space-size=48'), core.join(' '));
  t.true(core.includes('--v8-pool-size=1'), core.join(' '));
  t.true(bridge.includes('--max-old-space-size=76'), bridge.join(' '));
  t.regex(metrics, /^core_memory_limit_bytes 134217728$/m);
  t.regex(metrics, /^core_memory_share_bytes\{part="inflight"\} 16777216$/m);
});

test('a heap that the user has set for the function stays', async t => {
  const started = await startIn(t, 128 * mebibyte, {NODE_OPTIONS: '--max-old-space-size=90'});
  if (!started) return;
  t.false(
    started.bridge.some(arg => arg.startsWith('--max-old')),
    started.bridge.join(' '),
  );
});

test('in a larger container nothing is set', async t => {
  const started = await startIn(t, 512 * mebibyte);
  if (!started) return;
  const {core, bridge, metrics} = started;
  t.false(
    [...core, ...bridge].some(arg => arg.startsWith('--max-old')),
    [...core, ...bridge].join(' '),
  );
  t.regex(metrics, /^core_memory_share_bytes\{part="inflight"\} 67108864$/m);
});
