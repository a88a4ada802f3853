import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {systemClock} from '../../src/clock.ts';
import type {Fact} from '../../src/facts.ts';
import type {FunctionLine} from '../../src/log.ts';
import type {Command, StartRecord} from '../../src/runtime.ts';
import {Upstream} from '../../src/workers/hop/http.ts';
import {Pool} from '../../src/workers/pool/pool.ts';
import {OrphanKiller} from '../../src/workers/process/orphans.ts';
import {type RestartPolicy, restartPolicy} from '../../src/workers/process/restart-policy.ts';
import {Supervisor} from '../../src/workers/process/supervisor.ts';
import {recordingLog, recordingMeter} from '../helpers/fakes.ts';
import {isAlive, gone as processGone} from '../helpers/process.ts';

const host = '127.0.0.1';

/** Real processes: each runs this program in Node and is gone when the test ends. */
async function supervise(
  t: ExecutionContext,
  program: string,
  {
    readiness = 'report',
    file = process.execPath,
    startTimeoutMs = 20_000,
    environment = {},
    concurrency = 1,
    timeoutMs = 300_000,
    policy = {},
  }: Partial<
    Command & {startTimeoutMs: number; timeoutMs: number; environment: Record<string, string>; policy: Partial<RestartPolicy>}
  > = {},
) {
  const told: string[] = [];
  const facts: Fact[] = [];
  const lines: FunctionLine[] = [];
  const starts: StartRecord[] = [];
  const log = recordingLog();
  const clock = systemClock;
  const meter = recordingMeter();
  const pool = new Pool({queueLength: 10, queueWaitMs: 10_000, startTimeoutMs}, clock, meter);
  const orphanKiller = new OrphanKiller({mark: 'MARK=none', clock, log});
  const waiting = new Set<() => void>();
  const changed = () => {
    for (const wake of [...waiting]) wake();
  };
  /** Resolves once the claim holds; asked again whenever something was told. */
  const until = (claim: () => boolean) =>
    new Promise<void>(resolve => {
      const wake = () => {
        if (!claim()) return;
        waiting.delete(wake);
        resolve();
      };
      waiting.add(wake);
      wake();
    });
  const ports: number[] = [];
  const supervisor = new Supervisor(
    {
      child: {
        command: {file, args: ['-e', program], readiness, concurrency},
        host,
        startTimeoutMs,
        user: undefined,
        memoryBytes: undefined,
        hasCalls: false,
      },
      maxReplyBytes: 1000,
      isConcurrencySet: false,
      mostConnections: 1000,
      environment(port) {
        ports.push(port);
        return {SCW_UPSTREAM_PORT: String(port), ...environment};
      },
      upstream: port => new Upstream({host, port, connections: concurrency, maxReplyBytes: 1000, bridgeToken: 'x'}, clock),
      preferredPort: 0,
      policy: {...restartPolicy, ...policy},
      concurrency,
      timeoutMs,
    },
    {
      pool,
      clock,
      log: {
        ...log,
        error(fields, message) {
          log.error(fields, message);
          changed();
        },
      },
      meter: {...meter, runtimeTried: () => void told.push('tried')},
      ooms: {kills: () => 0},
      orphanKiller,
      facts(some) {
        facts.push(...some);
        changed();
      },
      line(line) {
        lines.push(line);
        changed();
      },
      linesDropped() {},
      started(record) {
        starts.push(record);
        changed();
      },
      functionServedAt: () => supervisor.servedAt,
      freeBytes: () => Number.POSITIVE_INFINITY,
      gaveUp: () => void told.push('gave up'),
    },
  );
  t.teardown(async () => {
    await supervisor[Symbol.asyncDispose]();
    orphanKiller[Symbol.dispose]();
  });
  await supervisor.start();
  const types = () => facts.map(({type}) => type);
  const count = (type: Fact['type']) => types().filter(each => each === type).length;
  const ready = () => until(() => count('runtime.ready') > 0);
  const gone = () => until(() => count('runtime.exited') > 0);
  return {supervisor, pool, told, facts, types, count, lines, starts, log, ports, until, ready, gone};
}

/** Reports on the descriptor, then lives on. */
const loaded = `require('fs').writeSync(3, '{"loaded":true}\\n'); setInterval(() => {}, 1000);`;

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

test('a foreign one is ready when its port accepts, and is sent no request', async t => {
  const program = `require('net').createServer(socket => socket.on('data', data => console.log('got', String(data))))
    .listen(process.env.SCW_UPSTREAM_PORT, '127.0.0.1')`;
  const {supervisor, ready, lines} = await supervise(t, program, {readiness: 'port'});
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

/** A program that loads the first time that it runs, or does something else then, and later does what it is told. */
async function loadedOnce(t: ExecutionContext, first = loaded): Promise<(then: string) => string> {
  const folder = await mkdtemp(join(tmpdir(), 'once-'));
  t.teardown(() => rm(folder, {recursive: true}));
  let programs = 0;
  return then => {
    const mark = JSON.stringify(join(folder, String(programs++)));
    return `if (require('fs').existsSync(${mark})) {${then}} else {require('fs').writeFileSync(${mark}, ''); ${first}}`;
  };
}
