import {once} from 'node:events';
import net, {type AddressInfo, type Socket} from 'node:net';
import type {ExecutionContext} from 'ava';
import {systemClock} from '../../src/clock.ts';
import {Fault} from '../../src/errors.ts';
import type {CallEnd} from '../../src/hop/hop.ts';
import type {RuntimeCall} from '../../src/runtime.ts';
import {Upstream, type UpstreamOptions} from '../../src/workers/hop/http.ts';
import {runtimeCall} from './event.ts';

export const call = runtimeCall({deadlineMs: 1_764_000_000_000, deadline: Number.POSITIVE_INFINITY});

export interface Misbehaving {
  readonly upstream: Upstream;
  readonly port: number;
  /** What each connection sent. */
  readonly received: string[];
}

/** A server that answers every whole request with these bytes, or does with the socket what it is told. */
export async function misbehaving(
  t: ExecutionContext,
  answer: string | Buffer | ((socket: Socket, requests: number) => void),
  some: Partial<UpstreamOptions> = {},
  clock = systemClock,
): Promise<Misbehaving> {
  const sockets = new Set<Socket>();
  const received: string[] = [];
  let requests = 0;
  const server = net.createServer(socket => {
    sockets.add(socket);
    const connection = received.push('') - 1;
    let sent = '';
    let pending = '';
    socket.on('error', () => {});
    socket.on('data', chunk => {
      sent += chunk;
      received[connection] = sent;
      pending += chunk;
      if (!pending.includes('\r\n\r\n') || !pending.endsWith('}')) return;
      pending = '';
      requests++;
      if (typeof answer === 'function') answer(socket, requests);
      else socket.write(answer);
    });
  });
  server.listen({port: 0, host: '127.0.0.1'});
  await once(server, 'listening');
  const {port} = server.address() as AddressInfo;
  const upstream = new Upstream({host: '127.0.0.1', port, connections: 4, maxReplyBytes: 1000, bridgeToken: 'secret', ...some}, clock);
  t.teardown(() => {
    upstream.destroy(new Fault('DRAINING'));
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {upstream, port, received};
}

export const ignored = () => {};
export const within = (ms: number): RuntimeCall => ({...call, deadline: systemClock.monotonic() + ms});
export const head = (fields: string, status = '200 OK') => `HTTP/1.1 ${status}\r\n${fields}\r\n\r\n`;
export const ok = (body: string) => head(`Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}`) + body;

/** Sends and collects how the sub-runtime was done with the call. */
export function sendAndHear(upstream: Upstream, sent: RuntimeCall) {
  const ends: CallEnd[] = [];
  const over = Promise.withResolvers<void>();
  const reply = upstream.send(sent, end => {
    ends.push(end);
    over.resolve();
  });
  return {reply, ends, over: over.promise};
}
