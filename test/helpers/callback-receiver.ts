import {createHmac, timingSafeEqual} from 'node:crypto';
import http from 'node:http';
import type {AddressInfo} from 'node:net';

/** Receives callbacks on this machine and checks their signatures as Standard Webhooks says, with code of its own. */
export async function callbackReceiver(t: {teardown(undo: () => Promise<unknown>): void}, key: Buffer) {
  /** How often the end of an invocation came. */
  const received = new Map<string, number>();
  const unsigned: string[] = [];
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer); // of a request that is not decoded
    const {headers} = request;
    const id = String(headers['core-invocation-id']);
    const signed = Buffer.concat([Buffer.from(`${headers['webhook-id']}.${headers['webhook-timestamp']}.`), ...chunks]);
    const expected = Buffer.from(`v1,${createHmac('sha256', key).update(signed).digest('base64')}`);
    const given = Buffer.from(String(headers['webhook-signature']));
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) unsigned.push(id);
    received.set(id, (received.get(id) ?? 0) + 1);
    response.writeHead(204).end();
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    return new Promise(resolve => void server.close(() => resolve(undefined)));
  });
  return {received, unsigned, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/done`};
}
