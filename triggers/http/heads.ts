import type {Server} from 'node:http';
import type {Socket} from 'node:net';
import type {Clock} from '../../src/clock.ts';
import type {Fault} from '../../src/errors.ts';
import type {Budget} from '../../src/limits/budget.ts';
import {unservedBytes} from './connection.ts';

/** How often is looked: Node tells of a head when it is whole, and until then it may grow to 1 MiB on every connection. */
const lookMs = 200;
/** A shorter one is never refused: ordinary callers are within one at any moment. */
const longBytes = 16 * 2 ** 10;

/** Counts what was received of heads that are not whole as bytes in flight. Past the limit the longest are refused. */
export function watchHeads(server: Server, budget: Budget, clock: Clock, refuse: (socket: Socket, fault: Fault) => void): void {
  const sockets = new Set<Socket>();
  const hold = budget.open('head');
  server.on('connection', socket => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    if (sockets.size === 1) lookSoon();
  });

  function lookSoon(): void {
    clock.after(lookMs, () => {
      look();
      if (sockets.size > 0) lookSoon();
    });
  }

  function look(): void {
    const heads: {socket: Socket; bytes: number}[] = [];
    let headBytes = 0;
    for (const socket of sockets) {
      const bytes = unservedBytes(socket);
      headBytes += bytes;
      if (bytes >= longBytes) heads.push({socket, bytes});
    }
    hold.set(headBytes);
    if (budget.overBytes <= 0) return;
    for (const {socket, bytes} of heads.sort((a, b) => b.bytes - a.bytes)) {
      if (budget.overBytes <= 0) return;
      hold.set(hold.bytes - bytes);
      refuse(socket, budget.full());
    }
  }
}
