import {once} from 'node:events';
import net from 'node:net';
import test from 'ava';
import {connectTo} from '../../src/journals/nats/connect.ts';

/* Whether a server lives: it answers pings, or sends something. */

const info = {server_id: 'A', server_name: 'a', version: '2.15.3', proto: 1, headers: true, max_payload: 2 ** 20};

test('a server that sends much is not left while its answers to pings are late; one that falls silent is', async t => {
  t.timeout(60_000);
  let pings = 0;
  let sends = true;
  let tell = (_pings: number) => {};
  const server = net.createServer(socket => {
    let heard = '';
    socket.on('error', () => {});
    socket.write(`INFO ${JSON.stringify(info)}\r\n`);
    socket.on('data', data => {
      heard += data;
      const [, subject = '', sid = ''] = /SUB (\S+) (\d+)\r\n/.exec(heard) ?? [];
      for (const _ of `${data}`.matchAll(/PING\r\n/g)) {
        pings++;
        if (pings === 1)
          socket.write('PONG\r\n'); // that of its start
        else if (sends && sid !== '') socket.write(`MSG ${subject.replace('*', '0')} ${sid} 1\r\nx\r\n`);
        tell(pings);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const address = server.address();
  const transport = await connectTo({servers: [`127.0.0.1:${typeof address === 'object' ? address?.port : ''}`]});
  t.teardown(() => transport.close());
  const lost = new Promise<void>(resolve => transport.onChange(isConnected => isConnected || resolve()));
  await new Promise<void>(resolve => {
    tell = count => void (count >= 6 && resolve());
  });
  t.true(transport.isConnected, 'after five pings without an answer');
  sends = false;
  await lost;
  t.false(transport.isConnected);
});
