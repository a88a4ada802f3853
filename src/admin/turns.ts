import type {ServerResponse} from 'node:http';
import type {Socket} from 'node:net';

/** Requests that may wait on one connection. */
const mostWaiting = 100;

interface Line {
  tail: Promise<void>;
  length: number;
}

const lines = new WeakMap<Socket, Line>();

/**
Waits until the requests before it on the same connection are answered: one packet may hold thousands, and each answer
that waits to be read costs memory. Past a hundred the connection is ended.

@returns false when the connection is over
*/
export async function takeTurn(response: ServerResponse): Promise<boolean> {
  const {socket} = response.req;
  const line = lines.get(socket) ?? {tail: Promise.resolve(), length: 0};
  lines.set(socket, line);
  if (line.length >= mostWaiting) socket.destroy();
  const before = line.tail;
  const {promise, resolve} = Promise.withResolvers<void>();
  line.tail = promise;
  line.length++;
  response.once('close', () => {
    line.length--;
    resolve();
  });
  await before;
  return !socket.destroyed;
}
