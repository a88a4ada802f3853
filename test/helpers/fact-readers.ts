import http from 'node:http';
import {connect, type Socket} from 'node:net';
import type {ExecutionContext} from 'ava';
import type {Fact} from '../../src/facts.ts';
import {type ManualClock, settle} from './clock.ts';

export const fact = (durationMs: number, code = ''): Fact => ({
  type: 'invocation.settled',
  data: {outcome: 'responded', status: 200, durationMs, code: code as never},
});

/** An event stream and what came of it. */
export async function listen(t: ExecutionContext, url: string, headers: Record<string, string> = {}) {
  const request = http.get(url, {headers: {Accept: 'text/event-stream', ...headers}, agent: false});
  request.on('error', () => {});
  t.teardown(() => void request.destroy());
  const response = await new Promise<http.IncomingMessage>(resolve => request.once('response', resolve));
  let text = '';
  response.setEncoding('utf8').on('data', chunk => {
    text += chunk;
  });
  const ended = new Promise<void>(resolve => response.once('close', resolve));
  response.on('error', () => {});
  return {request, response, ended, text: () => text, positions: () => [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))};
}

/** Moves the clock on in steps until it is so. */
export async function until(clock: ManualClock, isSo: () => boolean, stepMs = 50): Promise<void> {
  while (!isSo()) {
    await clock.advance(stepMs);
    await settle();
  }
}

/** Connections that ask and never read. */
export async function unread(t: ExecutionContext, url: string, count: number, head: string): Promise<Socket[]> {
  const port = Number(new URL(url).port);
  return Promise.all(
    Array.from(
      {length: count},
      () =>
        new Promise<Socket>((resolve, reject) => {
          const socket = connect(port, '127.0.0.1', () => socket.write(head, () => resolve(socket)));
          socket.once('error', reject).pause();
          t.teardown(() => void socket.destroy());
        }),
    ),
  );
}
