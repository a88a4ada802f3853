import type {Socket} from 'node:net';
import type {Clock} from '../../src/clock.ts';
import {connectionOf} from './connection.ts';

export interface TimeLimit {
  readonly clock: Clock;
  /** How long a client may take to send a request, and how often is looked. */
  readonly requestTimeout: number;
  readonly connectionsCheckingInterval: number;
}

/**
Decides what becomes of a request whose time to be received is over. Node counts from its first byte on, but what a client
sends of a request that waits for those before it is not read: its time begins when it is served.

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
