import test, {type ExecutionContext} from 'ava';
import {systemClock} from '../../src/clock.ts';
import type {FunctionLine} from '../../src/log.ts';
import type {Command, StartRecord} from '../../src/runtime.ts';
import type {LoadReport} from '../../src/workers/output/report.ts';
import {Child, type ChildExit, type ChildOptions} from '../../src/workers/process/child.ts';
import {freePort} from '../helpers/port.ts';
import {gone} from '../helpers/process.ts';

/** One real process, gone when the test ends. */
function spawnChild(
  t: ExecutionContext,
  program: string,
  {ooms = () => 0, readiness = 'report', ...some}: Partial<ChildOptions> & Partial<Pick<Command, 'readiness'>> & {ooms?: () => number} = {},
) {
  const exit = Promise.withResolvers<ChildExit>();
  const ready = Promise.withResolvers<LoadReport>();
  const starts: StartRecord[] = [];
  const settled: string[] = [];
  const lines: FunctionLine[] = [];
  const line = Promise.withResolvers<string>();
  const child = new Child(
    {
      command: {file: process.execPath, args: ['-e', program], readiness, concurrency: 1},
      environment: {},
      host: '127.0.0.1',
      port: 1,
      startTimeoutMs: 20_000,
      user: undefined,
      memoryBytes: undefined,
      hasCalls: false,
      ...some,
    },
    {
      ready(report, start) {
        starts.push(start);
        ready.resolve(report);
      },
      exited: exit.resolve,
      line(heard) {
        lines.push(heard);
        line.resolve(heard.line);
      },
      linesDropped() {},
      mayServe: () => true,
      settled: id => void settled.push(id),
    },
    {clock: systemClock, ooms: {kills: ooms}},
  );
  t.teardown(async () => {
    child.end('stopped');
    await child.exit;
  });
  return {child, exit: exit.promise, ready: ready.promise, line: line.promise, settled, lines, starts};
}

const loaded = `require('fs').writeSync(3, '{"loaded":true}\\n');`;

test('a child that ignores TERM is killed after its grace time', async t => {
  const {child, ready, exit} = spawnChild(t, `process.on('SIGTERM', () => {}); ${loaded} setInterval(() => {}, 1000)`);
  await ready;
  await child.stop('stopped', 100);
  t.like(await exit, {reason: 'stopped', signal: 'SIGKILL', code: null});
});

test('one that the kernel killed for memory is oom, another KILL is a signal', async t => {
  let kills = 0;
  const killed = spawnChild(t, `process.kill(process.pid, 'SIGKILL')`, {ooms: () => kills++});
  t.like(await killed.exit, {reason: 'oom', signal: 'SIGKILL'});
  const other = spawnChild(t, `process.kill(process.pid, 'SIGKILL')`);
  t.like(await other.exit, {reason: 'signal', signal: 'SIGKILL'});
});

test('one that outgrows its memory is ended and is oom, before and after it is ready', async t => {
  for (const report of ['', loaded]) {
    const leaks = `${report} const kept = []; setInterval(() => kept.push(Buffer.alloc(2 ** 24, 1)), 10)`;
    const {exit} = spawnChild(t, leaks, {memoryBytes: 2 ** 28});
    t.like(await exit, {reason: 'oom', signal: 'SIGKILL'});
  }
});

test('a call that the bridge settles is reported by its id', async t => {
  const {ready, settled} = spawnChild(
    t,
    `require('fs').writeSync(3, '{"settled":"id-1"}\\n{"loaded":true}\\n'); setInterval(() => {}, 1000)`,
  );
  await ready;
  t.deepEqual(settled, ['id-1']);
});

test('its last lines are there although it ended at once, and may be any bytes', async t => {
  const {exit} = spawnChild(t, `require('fs').writeSync(2, Buffer.from([0xff, 0x0a, 0x61, 0x62])); process.exit(1)`);
  t.is(await (await exit).lastWords, '\ufffd\nab');
});

test('a process that left the group and holds the pipes does not hold up the last lines', async t => {
  const program = `const child = require('child_process').spawn('/bin/sh', ['-c', 'sleep 60'], {detached: true, stdio: 'inherit'});
    console.error(child.pid); process.exit(1);`;
  const {exit} = spawnChild(t, program);
  const words = await (await exit).lastWords;
  t.regex(words, /^\d+\n$/);
  process.kill(-Number(words), 'SIGKILL'); // it left for a group of its own
  await gone(Number(words));
});

test('it runs as the user that was given', async t => {
  if (process.getuid?.() !== 0) return t.pass(); // only root can
  const {line} = spawnChild(
    t,
    `console.log(process.getuid() + ':' + process.getgid() + ':' + process.getgroups()); setInterval(() => {}, 1000)`,
    {
      user: {uid: 65534, gid: 65533},
      command: {
        file: process.execPath,
        args: ['-e', `console.log(process.getuid() + ':' + process.getgid() + ':' + process.getgroups())`],
        readiness: 'report',
        concurrency: 1,
      },
    },
  );
  t.is(await line, '65534:65533:65533');
});

test('a report that comes before the port listens counts once it does', async t => {
  const port = await freePort();
  const told = `require('fs').writeSync(3, '{"loaded":false,"error":"no such function"}\\n'); console.log('told');`;
  const {child, ready, line} = spawnChild(
    t,
    `${told} process.once('SIGUSR2', () => require('net').createServer().listen(${port}, '127.0.0.1')); setInterval(() => {}, 1000)`,
    {port, readiness: 'port'},
  );
  t.is(await line, 'told');
  t.is(await Promise.race([ready, new Promise(resolve => setTimeout(resolve, 100, 'nothing yet'))]), 'nothing yet');
  process.kill(child.pid ?? 0, 'SIGUSR2');
  t.deepEqual(await ready, {loaded: false, error: 'no such function'});
});

test('pipes that a process outside the group holds are closed after the last lines', async t => {
  const orphan = `while echo x; do sleep 0.05; done`; // ends when nobody can read it any more
  const program = `const child = require('child_process').spawn('/bin/sh', ['-c', ${JSON.stringify(orphan)}], {detached: true, stdio: 'inherit'});
    console.error(child.pid); process.stdout.write('unended', () => process.exit(1));`;
  const {exit, lines} = spawnChild(t, program);
  const words = await (await exit).lastWords;
  await gone(Number(words));
  t.true(lines.some(({line}) => line.includes('unended')));
});

test('the record of a start says whether it is called on the channel', async t => {
  const idles = 'setInterval(() => {}, 1000)';
  const overHttp = spawnChild(t, `${loaded} ${idles}`, {hasCalls: true});
  const onChannel = spawnChild(t, `require('fs').writeSync(3, '{"loaded":true,"calls":1}\\n'); ${idles}`, {hasCalls: true});
  await Promise.all([overHttp.ready, onChannel.ready]);
  t.deepEqual(
    [overHttp, onChannel].map(({starts: [start]}) => start?.isOnChannel),
    [undefined, true],
  );
});
