import {once} from 'node:events';
import net, {type Socket} from 'node:net';
import test from 'ava';
import {systemClock} from '../../src/clock.ts';
import {connectTo} from '../../triggers/nats/connect.ts';
import {recordingLog} from '../helpers/fakes.ts';

/** A server that lets a client in once, and then refuses it three times. To the next one it says nothing. */
async function startServer() {
  const sockets: Socket[] = [];
  const server = net.createServer(socket => {
    sockets.push(socket);
    socket.on('error', () => {});
    server.emit('taken');
    if (sockets.length > 1) return void (sockets.length < 5 && socket.destroy());
    const info = {server_id: 'x', version: '2.12.0', proto: 1, headers: true, max_payload: 1_048_576};
    socket.write(`INFO ${JSON.stringify(info)}\r\n`);
    socket.on('data', bytes => {
      if (String(bytes).includes('PING')) socket.write('PONG\r\n');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const {port} = server.address() as net.AddressInfo; // it listens on TCP
  return {
    url: `nats://127.0.0.1:${port}`,
    taken: (count: number) =>
      new Promise<void>(resolve => {
        const look = () => sockets.length >= count && resolve();
        server.on('taken', look);
        look();
      }),
    breakOff: () => sockets[0]?.destroy(),
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

test('an acknowledgement that is sent while the client connects for the last time fails with the connection', async t => {
  t.timeout(60_000);
  const server = await startServer();
  t.teardown(() => server.close());
  const none = {user: undefined, password: undefined, token: undefined, credentials: undefined};
  const {client, lost, flush, close} = await connectTo(
    {servers: [server.url], ...none},
    {clock: systemClock, log: recordingLog(), name: 'orders', core: 'core-1'},
  );
  t.teardown(close);
  await flush();
  server.breakOff();
  await server.taken(5);
  client.publish('ack', '+ACK');
  const flushed = flush();
  server.close();
  await t.throwsAsync(lost);
  await t.throwsAsync(flushed);
});
