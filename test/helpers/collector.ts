import http from 'node:http';
import net, {type AddressInfo, type Server} from 'node:net';
import type {Teardown} from './core.ts';

/** A collector that takes connections and whatever is sent, and never answers. */
export function openSilent(t: Teardown): Promise<string> {
  const server = net.createServer(socket => {
    socket.on('error', () => {}); // the core breaks off when it stops
    socket.resume();
    t.teardown(async () => socket.destroy());
  });
  return listen(server, t);
}

/** A collector that answers with this status and takes nothing. */
export async function openUnwilling(t: Teardown, status: number) {
  const asked = Promise.withResolvers<void>();
  const server = http.createServer((request, response) => {
    request.resume();
    response.writeHead(status).end();
    asked.resolve();
  });
  return {endpoint: await listen(server, t), asked: asked.promise};
}

async function listen(server: Server, t: Teardown): Promise<string> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  t.teardown(async () => {
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // a TCP server has an AddressInfo
}
