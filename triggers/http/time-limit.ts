import type {Socket} from 'node:net';
import type {Clock} from '../../src/clock.ts';
import {connectionOf} from './connection.ts';

export interface TimeLimit {
  readonly clock: Clock;
  /** How long a client may take to send a request, and how often to look. */
  readonly requestTimeout: number;
  readonly connectionsCheckingInterval: number;
}

/**
Decides what happens to a request that did not arrive in time. Node counts from the request's first byte. But while a
request waits for those before it, the rest of it is not read: its time begins when it is served.

@param refuse called when the client took too long
*/
export function requestTimedOut(socket: Socket, {clock, requestTimeout, connectionsCheckingInterval}: TimeLimit, refuse: () => void): void {
  const connection = connectionOf(socket);
  const {newest, waiting} = connection;
  if (waiting.length === 0) refuse();
  else look();

  function look(): void {
    if (socket.destroyed) return;
    if (waiting.length > 0) clock.after(connectionsCheckingInterval, look);
    else clock.after(requestTimeout, refuseIfIncomplete);
  }

  function refuseIfIncomplete(): void {
    if (!socket.destroyed && newest === connection.newest && newest?.req.complete === false) refuse();
  }
}
