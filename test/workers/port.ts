import {spawn} from 'node:child_process';
import {once} from 'node:events';
import net from 'node:net';
import test from 'ava';
import {accepts} from '../../src/workers/process/port.ts';
import {projectFile} from '../helpers/core.ts';
import {freePort, refusingPort} from '../helpers/port.ts';

const host = '127.0.0.1';

test('where no process listens, nothing accepts', async t => {
  t.false(await accepts(host, await refusingPort(t)));
});

test('where a process listens, the port accepts', async t => {
  const server = net.createServer().listen(0, host);
  await once(server, 'listening');
  t.true(await accepts(host, (server.address() as net.AddressInfo).port)); // a TCP server has one
  server.close();
});

test('a listener that takes no connection any more still counts as there, and that is known soon', async t => {
  const port = await freePort();
  const program = `require('net').createServer().listen({port: ${port}, host: '${host}', backlog: 1}, () => console.log('listening'))`;
  const wedged = spawn(process.execPath, ['-e', program], {stdio: ['ignore', 'pipe', 'inherit']});
  const ended = once(wedged, 'exit');
  await once(wedged.stdout, 'data');
  wedged.kill('SIGSTOP');
  const sockets = Array.from({length: 8}, () => net.connect(port, host));
  t.teardown(async () => {
    for (const socket of sockets) socket.destroy();
    wedged.kill('SIGKILL');
    await ended;
  });
  await Promise.race(sockets.map(socket => once(socket, 'connect')));
  t.true(await accepts(host, port));
});

/** Runs a module where the system gives clients four ports only, 42000 to 42003. What it printed; undefined where that is not allowed. */
async function withFourPorts(program: string): Promise<string | undefined> {
  const script =
    'ip link set lo up && echo "42000 42003" > /proc/sys/net/ipv4/ip_local_port_range && exec "$0" --input-type=module -e "$1"';
  const child = spawn('unshare', ['--net', 'sh', '-c', script, process.execPath, program], {stdio: ['ignore', 'pipe', 'ignore']});
  child.on('error', () => {});
  const text = Buffer.concat(await child.stdout.toArray()).toString();
  return text === '' ? undefined : text;
}

test('a connection that met itself is not a listener', async t => {
  const text = await withFourPorts(`
    import {accepts} from ${JSON.stringify(projectFile('src/workers/process/port.ts'))};
    const seen = [];
    for (let tries = 0; tries < 100; tries++) seen.push(await accepts('127.0.0.1', 42000));
    console.log(JSON.stringify([...new Set(seen)]));
  `);
  if (text === undefined) return t.pass(); // only root may have a network of its own
  t.deepEqual(JSON.parse(text), [false]);
});

test('a call is not sent over a connection that met itself', async t => {
  const text = await withFourPorts(`
    import {systemClock} from ${JSON.stringify(projectFile('src/clock.ts'))};
    import {Upstream} from ${JSON.stringify(projectFile('src/workers/hop/http.ts'))};
    const seen = [];
    for (let tries = 0; tries < 50; tries++) {
      const upstream = new Upstream({host: '127.0.0.1', port: 42000, connections: 1, maxReplyBytes: 1000, bridgeToken: ''}, systemClock);
      const call = {invocationId: 'i', body: '{}', deadlineMs: 0, deadline: systemClock.monotonic() + 5000, timeoutMs: 5000};
      seen.push(await upstream.send(call, () => {}).then(() => 'answered', error => error.name));
    }
    console.log(JSON.stringify([...new Set(seen)]));
  `);
  if (text === undefined) return t.pass();
  t.deepEqual(JSON.parse(text), ['NotSent']);
});

test('a foreign sub-runtime is not ready before it listens, on a port that clients may be given, too', async t => {
  const text = await withFourPorts(`
    import {spawn} from 'node:child_process';
    import {systemClock} from ${JSON.stringify(projectFile('src/clock.ts'))};
    import {awaitListener} from ${JSON.stringify(projectFile('src/workers/process/listener.ts'))};
    // Where a look at the port has that very port at its own end, listening fails: it tries again.
    const program = "const listen = () => require('net').createServer().on('error', () => setTimeout(listen, 5)).listen(42000, '127.0.0.1');" +
      "setTimeout(() => { console.log('listens'); listen() }, 1000)";
    const child = spawn(process.execPath, ['-e', program], {detached: true, stdio: ['ignore', 'pipe', 'inherit']});
    let listens = false;
    child.stdout.once('data', () => { listens = true; });
    await awaitListener({host: '127.0.0.1', port: 42000, group: child.pid}, systemClock, new AbortController().signal);
    console.log(listens);
    process.kill(-child.pid, 'SIGKILL');
  `);
  if (text === undefined) return t.pass();
  t.is(text, 'true\n');
});
