import {AsyncLocalStorage} from 'node:async_hooks';
import {subscribe} from 'node:diagnostics_channel';
import type {Socket} from 'node:net';

/** Those that are opened on behalf of whatever runs. */
interface Opened {
  sockets: Set<Socket> | undefined;
  /** Those that are opened from now on are closed at once: a library may go on trying. */
  isOver: boolean;
}

const current = new AsyncLocalStorage<Opened>();
let isWatched = false;

/** The sockets that a client library opens: some forget theirs when a server does not answer, and each try would leave one open. */
export function openSockets() {
  watch();
  const opened: Opened = {sockets: new Set(), isOver: false};
  return {
    during: <T>(act: () => Promise<T>): Promise<T> => current.run(opened, act),

    /** They are the library's from now on. */
    keep(): void {
      opened.sockets = undefined;
    },

    destroy(): void {
      opened.isOver = true;
      for (const socket of opened.sockets ?? []) close(socket);
      opened.sockets?.clear();
    },
  };
}

function watch(): void {
  if (isWatched) return;
  isWatched = true;
  subscribe('net.client.socket', message => {
    const opened = current.getStore();
    const {socket} = message as {socket: Socket}; // Node says so of this channel
    if (opened?.isOver)
      queueMicrotask(() => close(socket)); // it is about to connect, which would open it again
    else opened?.sockets?.add(socket);
  });
}

function close(socket: Socket): void {
  if (socket.listenerCount('error') === 0) socket.on('error', () => {}); // nobody listens to it any more
  socket.destroy();
}
