import {once} from 'node:events';
import net, {type AddressInfo} from 'node:net';

/** A port of this machine that nothing listens on, for a program that cannot choose one itself. */
export async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const {port} = server.address() as AddressInfo; // a TCP server has an AddressInfo
  await new Promise<void>(resolve => server.close(() => resolve()));
  return port;
}

/**
A port that refuses connections as long as the test goes on: a connection of ours has it, so that no other test gets it
to listen on.
*/
export async function refusingPort(t: {teardown(undo: () => void): void}): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const holder = net.connect((server.address() as AddressInfo).port, '127.0.0.1'); // a TCP server has an AddressInfo
  await once(holder, 'connect');
  t.teardown(() => {
    holder.destroy();
    server.close();
  });
  return holder.localPort as number; // it is connected
}
