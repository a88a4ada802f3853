import type {Socket} from 'node:net';
import type {Clock} from '../../src/clock.ts';

/** How long bytes of a refused client are still received, as an earlier close would reset the connection before it has the reply. */
export const lingerMs = 1000;

/**
Called for the bare connection that Node hands over with CONNECT. Node has taken its own listener off it: without one, a client
that resets the connection would end the process.
*/
export function survive(socket: Socket): void {
  socket.on('error', () => socket.destroy());
}

/** Writes the last bytes of a connection, and closes it when the client has closed its side, or a moment later. */
export function writeLast(socket: Socket, text: string, clock: Clock): void {
  socket.end(text);
  const stopTimer = clock.after(lingerMs, () => socket.destroy());
  socket.once('close', stopTimer);
  socket.resume();
}
