import type {ServerResponse} from 'node:http';
import type {Socket} from 'node:net';
import {connectionOf, openConnection} from '../../triggers/http/connection.ts';
import {gatePipeline} from '../../triggers/http/pipeline.ts';

/** How many requests of one connection are parsed at a time: the one that is being answered, and the next. Others stay bytes. */
const mostTaken = 2;
/** How many requests may wait where the pipeline cannot be stopped. With more, the connection is closed. */
const mostWaiting = 100;

const tails = new WeakMap<Socket, Promise<void>>();

/** Called for each new connection, so that one packet with thousands of requests does not become as many objects. */
export const gate = (socket: Socket): void => gatePipeline(openConnection(socket, unused), () => {}, mostTaken);

/** Requests take their turns through `takeTurn`. */
const unused = () => {};

/** Whether an answer on this connection has not left yet. */
export const isAnswering = (socket: Socket): boolean => connectionOf(socket).inProgress > 0;

/**
Waits until the requests before it on the same connection are answered: each answer that waits to be read costs memory.

@returns false when the connection is over
*/
export async function takeTurn(response: ServerResponse): Promise<boolean> {
  const {socket} = response.req;
  const connection = connectionOf(socket);
  if (!connection.take(response) || connection.inProgress >= mostWaiting) socket.destroy();
  if (connection.isLast) response.shouldKeepAlive = false;
  const before = tails.get(socket);
  const {promise, resolve} = Promise.withResolvers<void>();
  tails.set(socket, promise);
  connection.inProgress++;
  response.once('close', () => {
    connection.inProgress--;
    resolve();
    connection.letIn?.();
  });
  await before;
  return !socket.destroyed;
}
