import {once} from 'node:events';
import {createServer} from 'node:http';
import type {AddressInfo} from 'node:net';
import {buffer} from 'node:stream/consumers';
import {microseconds, type Sent} from './queue.ts';

/**
The smallest server that hands what is posted to a queue and answers 202 when the queue has accepted it: what one writes to
have calls accepted over HTTP by a queue. It authenticates nobody, and keeps no facts.

@returns its port
*/
export async function openFront(send: (item: Sent) => Promise<void>): Promise<number> {
  const server = createServer(async (request, response) => {
    try {
      const {text} = JSON.parse(String(await buffer(request)));
      await send({at: microseconds(), text});
      response.writeHead(202, {'Content-Type': 'application/json'}).end('{"status":"waiting"}');
    } catch {
      response.writeHead(503).end();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port; // it listens on a port
}
