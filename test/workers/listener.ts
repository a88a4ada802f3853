import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import net, {type AddressInfo} from 'node:net';
import test, {type ExecutionContext} from 'ava';
import {systemClock} from '../../src/clock.ts';
import {awaitListener, listensThere} from '../../src/workers/listener.ts';

const host = '127.0.0.1';

/** A program in a process group of its own, gone when the test ends. */
function run(t: ExecutionContext, program: string): ChildProcess & {pid: number} {
  const child = spawn(process.execPath, ['-e', program], {stdio: ['ignore', 'pipe', 'inherit'], detached: true});
  const ended = once(child, 'exit');
  t.teardown(async () => {
    process.kill(-(child.pid ?? 0), 'SIGKILL');
    await ended;
  });
  return child as ChildProcess & {pid: number}; // node is there
}

const listening = `require('net').createServer().listen(0, '127.0.0.1', function () { console.log(this.address().port); })`;

test('a port that somebody else listens on is not the child’s', async t => {
  const server = net.createServer().listen(0, host);
  await once(server, 'listening');
  t.teardown(() => server.close());
  const {port} = server.address() as AddressInfo;
  const child = run(t, 'setInterval(() => {}, 1000)');
  t.false(listensThere(port, child.pid));
  const over = new AbortController();
  const waited = awaitListener({host, port, group: child.pid}, systemClock, over.signal);
  setTimeout(() => over.abort(), 50);
  t.false(await waited);
});

test('where nobody listens nothing is known', t => {
  t.is(listensThere(1, process.pid), undefined);
});

test('a port is the child’s when it, or a child of its own, listens there', async t => {
  const direct = run(t, listening);
  const [port] = await once(direct.stdout as NodeJS.ReadableStream, 'data');
  t.true(listensThere(Number(port), direct.pid));
  const nested = run(
    t,
    `require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(listening)}], {stdio: 'inherit'}); setInterval(() => {}, 1000)`,
  );
  const [nestedPort] = await once(nested.stdout as NodeJS.ReadableStream, 'data');
  t.true(listensThere(Number(nestedPort), nested.pid));
  t.false(listensThere(Number(nestedPort), direct.pid));
  t.true(await awaitListener({host, port: Number(port), group: direct.pid}, systemClock, new AbortController().signal));
});
