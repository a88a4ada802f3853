import {type ChildProcess, spawn} from 'node:child_process';
import {subscribe, unsubscribe} from 'node:diagnostics_channel';
import {once} from 'node:events';
import net, {type AddressInfo} from 'node:net';
import test, {type ExecutionContext} from 'ava';
import {systemClock} from '../../src/clock.ts';
import {awaitListener, listenerOf} from '../../src/workers/process/listener.ts';
import {projectFile} from '../helpers/core.ts';
import {freePort} from '../helpers/port.ts';
import {signalTo} from '../helpers/process.ts';

const host = '127.0.0.1';

/** A program in a process group of its own, gone when the test ends. */
function run(t: ExecutionContext, program: string): ChildProcess & {pid: number} {
  const child = spawn(process.execPath, ['-e', program], {stdio: ['ignore', 'pipe', 'inherit'], detached: true});
  const ended = once(child, 'exit');
  t.teardown(async () => {
    signalTo(-(child.pid ?? 0), 'SIGKILL');
    await ended;
  });
  return child as ChildProcess & {pid: number}; // node is there
}

const listening = `require('net').createServer().listen(0, '127.0.0.1', function () { console.log(this.address().port); })`;

test('a port on which another process listens is not the child’s', async t => {
  const server = net.createServer().listen(0, host);
  await once(server, 'listening');
  t.teardown(() => server.close());
  const {port} = server.address() as AddressInfo;
  const child = run(t, 'setInterval(() => {}, 1000)');
  t.is(listenerOf(port, child.pid), 'other');
  const over = new AbortController();
  const waited = awaitListener({host, port, group: child.pid}, systemClock, over.signal);
  setTimeout(() => over.abort(), 50);
  t.false(await waited);
});

test('where no process listens, none is listed', t => {
  t.is(listenerOf(1, process.pid), 'none');
});

test('a port is the child’s when it, or a child of its own, listens there', async t => {
  const direct = run(t, listening);
  const [port] = await once(direct.stdout as NodeJS.ReadableStream, 'data');
  t.is(listenerOf(Number(port), direct.pid), 'own');
  const nested = run(
    t,
    `require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(listening)}], {stdio: 'inherit'}); setInterval(() => {}, 1000)`,
  );
  const [nestedPort] = await once(nested.stdout as NodeJS.ReadableStream, 'data');
  t.is(listenerOf(Number(nestedPort), nested.pid), 'own');
  t.is(listenerOf(Number(nestedPort), direct.pid), 'other');
  t.true(await awaitListener({host, port: Number(port), group: direct.pid}, systemClock, new AbortController().signal));
});

/** A listener of somebody else that closes as soon as a connection to it stands, before anybody can look. */
async function vanishing(t: ExecutionContext, comesBack: boolean) {
  let returns = comesBack;
  const port = await freePort(); // one that nobody else gets while it is closed
  const server = net.createServer(socket => socket.on('error', () => {})).listen(port, host);
  await once(server, 'listening');
  const tries: net.Socket[] = [];
  const seen = (message: unknown) => {
    const {socket} = message as {socket: net.Socket}; // of the channel
    tries.push(socket);
    socket.once('connect', () => server.close()); // before those who asked for the connection hear of it
    socket.once('close', () => {
      if (returns && !server.listening) server.listen(port, host);
    });
  };
  subscribe('net.client.socket', seen);
  t.teardown(() => {
    returns = false;
    unsubscribe('net.client.socket', seen);
    server.close();
  });
  return {port, tries};
}

test.serial('a listener that is gone when it is looked up belonged to another process', async t => {
  const child = run(t, 'setInterval(() => {}, 1000)');
  const {port, tries} = await vanishing(t, false);
  const over = new AbortController();
  const waited = awaitListener({host, port, group: child.pid}, systemClock, over.signal);
  void waited.then(() => over.abort());
  while (tries.length < 3 && !over.signal.aborted) await systemClock.sleep(5);
  over.abort();
  t.false(await waited);
});

test.serial('a port that goes on accepting though the system lists no listener counts as the child’s', async t => {
  const child = run(t, 'setInterval(() => {}, 1000)');
  const {port, tries} = await vanishing(t, true);
  t.true(await awaitListener({host, port, group: child.pid}, systemClock, new AbortController().signal));
  t.true(tries.length >= 3);
});

test('a process that has ended, and whose end was not reported yet, listens nowhere, also when the core is not root', async t => {
  const program = `
    import {spawn} from 'node:child_process';
    import {readFileSync} from 'node:fs';
    import net from 'node:net';
    import {listenerOf} from ${JSON.stringify(projectFile('src/workers/process/listener.ts'))};
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const {pid} = spawn('/bin/true', {detached: true});
      while (!/\\) Z /.test(readFileSync('/proc/' + pid + '/stat', 'latin1'))); // meanwhile nobody can tell its end
      console.log(listenerOf(server.address().port, pid));
      process.exit();
    });`;
  const isRoot = process.getuid?.() === 0;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
    ...(isRoot && {uid: 65_534, gid: 65_534}),
  });
  const [said] = await once(child.stdout, 'data');
  t.is(String(said), 'other\n');
});
