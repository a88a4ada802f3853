import test from 'ava';
import {systemClock} from '../../src/clock.ts';
import {freePort} from '../helpers/port.ts';
import {isAlive, gone as processGone} from '../helpers/process.ts';
import {loaded, supervise} from '../helpers/supervise.ts';

test('a program that cannot be executed is reported as that, and tried again', async t => {
  const {facts, until, count, starts, log} = await supervise(t, '', {file: '/missing/node'});
  await until(() => count('runtime.spawned') > 1 && log.lines.length > 0);
  t.like(facts[1], {type: 'runtime.exited', data: {reason: 'unspawnable', code: null}});
  t.like(starts[0], {executable: 'node', pid: undefined});
  t.regex(starts[0]?.error ?? '', /could not be started: .*ENOENT/);
  t.regex(log.lines[0]?.message ?? '', /could not be started: .*ENOENT/);
});

test('a program that the system refuses to execute at once ends the same way', async t => {
  const {facts, until, count} = await supervise(t, '', {environment: {LARGE: 'x'.repeat(2 ** 20)}});
  await until(() => count('runtime.spawned') > 1);
  t.like(facts[1], {type: 'runtime.exited', data: {reason: 'unspawnable', code: null}});
  t.regex((facts[1] as {data: {error?: string}}).data.error ?? '', /E2BIG/); // an exit, says the line above
});

test('one that never reports is killed after its start time', async t => {
  const {facts, gone, starts, types} = await supervise(t, `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)`, {
    startTimeoutMs: 300,
  });
  await gone();
  t.deepEqual(types().slice(0, 2), ['runtime.spawned', 'runtime.exited']);
  t.like(facts[1], {data: {reason: 'never-ready', signal: 'SIGKILL', upMs: 0}});
  t.regex(starts[0]?.error ?? '', /not ready in time/);
});

test('exit code 0 is an end like any other, and the process is started again', async t => {
  const {facts, until, count, types} = await supervise(t, `require('fs').writeSync(3, '{"loaded":true}\\n'); setTimeout(() => {}, 50)`);
  await until(() => count('runtime.spawned') > 1);
  t.like(facts[2], {type: 'runtime.exited', data: {reason: 'exit-zero', code: 0, signal: null}});
  t.deepEqual(types().slice(0, 4), ['runtime.spawned', 'runtime.ready', 'runtime.exited', 'runtime.spawned']);
});

const ends: [title: string, program: string, data: object][] = [
  ['another code', 'process.exit(7)', {reason: 'exit-nonzero', code: 7, signal: null}],
  ['a signal', `process.kill(process.pid, 'SIGSEGV')`, {reason: 'signal', code: null, signal: 'SIGSEGV'}],
  ['an uncaught error', 'throw new Error("boom")', {reason: 'exit-nonzero', code: 1, signal: null}],
];
for (const [title, program, data] of ends) {
  test(`the end by ${title} has its class`, async t => {
    const {facts, gone} = await supervise(t, program);
    await gone();
    t.like(facts[1], {type: 'runtime.exited', data});
  });
}

test('the log line of an exit carries the last 4 KB of stderr, after any amount of output', async t => {
  const {log, until} = await supervise(t, `require('fs').writeSync(2, 'é'.repeat(50000) + '\\nthe last words'); process.exit(3)`);
  await until(() => log.lines.length > 0);
  const {fields, message} = log.lines[0] ?? {fields: {} as Record<string, unknown>, message: ''};
  t.is(message, 'The sub-runtime exited with code 3');
  t.like(fields, {reason: 'exit-nonzero', code: 3, signal: null});
  const stderr = String(fields.stderr);
  t.true(stderr.endsWith('é\nthe last words'));
  t.true(stderr.length <= 4096 && stderr.length > 1000);
});

test('processes that it forked do not outlive it', async t => {
  const program = `const {spawn} = require('child_process');
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {stdio: 'ignore'});
    console.log(child.pid);
    require('fs').writeSync(3, '{"loaded":true}\\n');
    setTimeout(() => process.exit(1), 100);`;
  const {lines, gone, until} = await supervise(t, program);
  await gone();
  await until(() => lines.length > 0);
  const pid = Number(lines[0]?.line);
  t.true(pid > 1);
  await processGone(pid);
});

test('asked to stop, one that takes TERM ends, and nothing is started again', async t => {
  const {supervisor, ready, facts, count} = await supervise(t, loaded);
  await ready();
  const [pid] = supervisor.pids;
  await supervisor[Symbol.asyncDispose]();
  t.false(pid === undefined || isAlive(pid));
  t.like(facts.at(-1), {type: 'runtime.exited', data: {reason: 'stopped', signal: 'SIGTERM'}});
  await systemClock.sleep(300);
  t.is(count('runtime.spawned'), 1);
});

test('ended at once, it does not wait for TERM', async t => {
  const {supervisor, ready, gone, facts} = await supervise(t, `process.on('SIGTERM', () => {}); ${loaded}`);
  await ready();
  supervisor.kill();
  await gone();
  t.like(facts.at(-1), {type: 'runtime.exited', data: {reason: 'stopped', signal: 'SIGKILL'}});
});

test('a handler that could not be loaded is broken, stays up, and is ready to say so', async t => {
  const {supervisor, ready, starts, pool} = await supervise(
    t,
    `require('fs').writeSync(3, '{"loaded":false,"error":"SyntaxError"}\\n'); setInterval(() => {}, 1000)`,
  );
  await ready();
  t.like(supervisor.state, {phase: 'broken', error: 'SyntaxError'});
  t.is(starts[0]?.error, 'SyntaxError');
  t.is(pool.size, 1);
});

test('a foreign one is ready when its port accepts, and is sent no request', async t => {
  const program = `require('net').createServer(socket => socket.on('data', data => console.log('got', String(data))))
    .listen(process.env.SCW_UPSTREAM_PORT, '127.0.0.1')`;
  const {supervisor, ready, lines} = await supervise(t, program, {readiness: 'port', preferredPort: await freePort()});
  await ready();
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
  const {lines, ready, until} = await supervise(t, program);
  await ready();
  await until(() => lines.length === 3);
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
  const {lines, ports, ready, until} = await supervise(t, `console.log(JSON.stringify(process.env)); ${loaded}`);
  await ready();
  await until(() => lines.length > 0);
  const {NODE_V8_COVERAGE: _addedByNode, ...environment} = JSON.parse(lines[0]?.line ?? ''); // while coverage is measured
  t.deepEqual(environment, {SCW_UPSTREAM_PORT: String(ports[0])});
});

test('it inherits no descriptor but the bridge’s', async t => {
  // Node opens pipes and eventfds of its own; what comes from us are sockets.
  const program = `const fs = require('fs');
    const kinds = fs.readdirSync('/proc/self/fd').map(fd => { try { return [Number(fd), fs.readlinkSync('/proc/self/fd/' + fd)]; } catch { return []; } });
    console.log(JSON.stringify(kinds.filter(([, to]) => /^socket:/.test(to ?? '')).map(([fd]) => fd))); ${loaded}`;
  const {lines, ready, until} = await supervise(t, program);
  await ready();
  await until(() => lines.length > 0);
  t.deepEqual(JSON.parse(lines[0]?.line ?? ''), [1, 2, 3]);
});
