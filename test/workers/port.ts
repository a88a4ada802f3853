import {spawn} from 'node:child_process';
import {once} from 'node:events';
import net from 'node:net';
import test from 'ava';
import {accepts, freePort} from '../../src/workers/port.ts';

const host = '127.0.0.1';

test('where nobody listens nothing accepts', async t => {
  t.false(await accepts(host, await freePort(host)));
});

test('where somebody listens it accepts', async t => {
  const server = net.createServer().listen(0, host);
  await once(server, 'listening');
  t.true(await accepts(host, (server.address() as net.AddressInfo).port)); // a TCP server has one
  server.close();
});

test('a listener that takes nobody any more is there, and that is known soon', async t => {
  const port = await freePort(host);
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
