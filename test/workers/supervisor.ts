import test, {type ExecutionContext} from 'ava';
import {systemClock} from '../../src/clock.ts';
import type {Fact} from '../../src/facts.ts';
import type {FunctionLine} from '../../src/log.ts';
import type {Command, StartRecord} from '../../src/runtime.ts';
import {freePort} from '../../src/workers/port.ts';
import {Supervisor} from '../../src/workers/supervisor.ts';
import {recordingLog, recordingMeter} from '../helpers/fakes.ts';

/** Real processes: each runs this program in Node and is gone when the test ends. */
async function supervise(
  t: ExecutionContext,
  program: string,
  {readiness = 'report', file = process.execPath, startTimeoutMs = 20_000}: Partial<Command & {startTimeoutMs: number}> = {},
) {
  const facts: Fact[] = [];
  const lines: FunctionLine[] = [];
  const starts: StartRecord[] = [];
  const lost: string[] = [];
  const ready = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  const port = await freePort('127.0.0.1');
  const supervisor = new Supervisor(
    {
      command: {file, args: ['-e', program], readiness, concurrency: 1},
      environment: {SCW_UPSTREAM_PORT: String(port)},
      host: '127.0.0.1',
      port,
      startTimeoutMs,
    },
    {
      ready: start => {
        starts.push(start);
        ready.resolve();
      },
      notReady: start => void starts.push(start),
      lost(reason) {
        lost.push(reason);
        gone.resolve();
      },
      gaveUp() {},
      facts: some => void facts.push(...some),
      line: line => void lines.push(line),
    },
    {clock: systemClock, log: recordingLog(), meter: recordingMeter()},
  );
  t.teardown(() => supervisor[Symbol.asyncDispose]());
  supervisor.start();
  const types = () => facts.map(({type}) => type);
  return {supervisor, facts, types, lines, starts, lost, port, ready: ready.promise, gone: gone.promise};
}

/** Reports on the descriptor, then lives on. */
const loaded = `require('fs').writeSync(3, '{"loaded":true}\\n'); setInterval(() => {}, 1000);`;

test('a program that cannot be executed is told as such, and tried again', async t => {
  const {facts, gone, starts, lost} = await supervise(t, '', {file: '/missing/node'});
  await gone;
  t.like(facts[1], {type: 'runtime.exited', data: {reason: 'unspawnable', code: null}});
  t.like(starts[0], {executable: 'node', pid: undefined});
  t.regex(lost[0] ?? '', /could not be started: .*ENOENT/);
});

test('one that never reports is killed after its start time', async t => {
  const {facts, gone, starts, types} = await supervise(t, `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)`, {
    startTimeoutMs: 300,
  });
  await gone;
  t.deepEqual(types().slice(0, 2), ['runtime.spawned', 'runtime.exited']);
  t.like(facts[1], {data: {reason: 'never-ready', signal: 'SIGKILL', upMs: 0}});
  t.regex(starts[0]?.error ?? '', /not ready in time/);
});

test('exit code 0 is death like any other, and it is started again', async t => {
  const {facts, ready, gone, types} = await supervise(t, `require('fs').writeSync(3, '{"loaded":true}\\n'); setTimeout(() => {}, 50)`);
  await ready;
  await gone;
  t.like(facts[2], {type: 'runtime.exited', data: {reason: 'exited', code: 0, signal: null}});
  while (types().filter(type => type === 'runtime.spawned').length < 2) await systemClock.sleep(10);
  t.deepEqual(types().slice(0, 4), ['runtime.spawned', 'runtime.ready', 'runtime.exited', 'runtime.spawned']);
});

test('what it forked does not outlive it', async t => {
  const program = `const {spawn} = require('child_process');
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {stdio: 'ignore'});
    console.log(child.pid);
    require('fs').writeSync(3, '{"loaded":true}\\n');
    setTimeout(() => process.exit(1), 100);`;
  const {lines, gone} = await supervise(t, program);
  await gone;
  while (lines.length === 0) await systemClock.sleep(10);
  const pid = Number(lines[0]?.line);
  t.true(pid > 1);
  for (let tries = 0; tries < 200 && isAlive(pid); tries++) await systemClock.sleep(10);
  t.false(isAlive(pid));
});

test('asked to stop, one that takes TERM ends, and nothing is started again', async t => {
  const {supervisor, ready, facts, types, lost} = await supervise(t, loaded);
  await ready;
  const {pid} = supervisor;
  await supervisor[Symbol.asyncDispose]();
  t.false(pid !== undefined && isAlive(pid));
  t.like(facts.at(-1), {type: 'runtime.exited', data: {reason: 'stopped', signal: 'SIGTERM'}});
  t.is(lost[0], 'The sub-runtime was stopped');
  await systemClock.sleep(300);
  t.is(types().filter(type => type === 'runtime.spawned').length, 1);
});

test('a handler that could not be loaded is broken, stays up, and is ready to say so', async t => {
  const {supervisor, ready, starts} = await supervise(
    t,
    `require('fs').writeSync(3, '{"loaded":false,"error":"SyntaxError"}\\n'); setInterval(() => {}, 1000)`,
  );
  await ready;
  t.like(supervisor.state, {phase: 'broken', error: 'SyntaxError'});
  t.is(starts[0]?.error, 'SyntaxError');
});

test('a foreign one is ready when its port accepts, and is sent no request', async t => {
  const program = `require('net').createServer(socket => socket.on('data', data => console.log('got', String(data))))
    .listen(process.env.SCW_UPSTREAM_PORT, '127.0.0.1')`;
  const {supervisor, ready, lines} = await supervise(t, program, {readiness: 'port'});
  await ready;
  t.is(supervisor.state.phase, 'ready');
  await systemClock.sleep(50);
  t.deepEqual(lines, []);
});

test('its output and its tagged lines are handed on, the longest that a bridge writes, too', async t => {
  const longest = '\u0001'.repeat(65_536);
  const program = `const {writeSync} = require('fs');
    console.log('out'); console.error('err');
    const record = Buffer.from(JSON.stringify({log: {stream: 'stdout', line: '\\u0001'.repeat(65536), invocationId: 'i'}}) + '\\n{"loaded":true}\\n');
    for (let at = 0; at < record.length;) try { at += writeSync(3, record, at); } catch {}
    setInterval(() => {}, 1000);`;
  const {lines, ready} = await supervise(t, program);
  await ready;
  while (lines.length < 3) await systemClock.sleep(10);
  t.deepEqual(
    lines.toSorted((a, b) => a.line.length - b.line.length || a.stream.localeCompare(b.stream)),
    [
      {stream: 'stderr', line: 'err'},
      {stream: 'stdout', line: 'out'},
      {stream: 'stdout', line: longest, invocationId: 'i'},
    ],
  );
});

test('the environment is the one that was given and no other', async t => {
  process.env.CORE_TEST_CANARY = 'canary';
  t.teardown(() => delete process.env.CORE_TEST_CANARY);
  const {lines, port, ready} = await supervise(t, `console.log(JSON.stringify(process.env)); ${loaded}`);
  await ready;
  while (lines.length === 0) await systemClock.sleep(10);
  const {NODE_V8_COVERAGE: _addedByNode, ...environment} = JSON.parse(lines[0]?.line ?? ''); // while coverage is measured
  t.deepEqual(environment, {SCW_UPSTREAM_PORT: String(port)});
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
