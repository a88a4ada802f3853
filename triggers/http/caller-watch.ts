import type {ServerResponse} from 'node:http';
import type {Socket} from 'node:net';
import type {CallerSignal, LeaveListener} from '../../src/caller-signal.ts';

/** Whether the caller of one request has left, until its reply has. */
export class CallerWatch implements CallerSignal {
  aborted = false;
  readonly #listeners: LeaveListener[] = [];

  addEventListener(_type: 'abort', listener: LeaveListener): void {
    this.#listeners.push(listener);
  }

  removeEventListener(_type: 'abort', listener: LeaveListener): void {
    const at = this.#listeners.indexOf(listener);
    if (at !== -1) this.#listeners.splice(at, 1);
  }

  leave(): void {
    if (this.aborted) return;
    this.aborted = true;
    for (const listener of this.#listeners.splice(0)) {
      if (typeof listener === 'function') listener();
      else listener.handleEvent();
    }
  }
}

/** The watches of one connection. Where somebody watches, a client that has closed its side counts as gone. */
export class CallerWatches {
  readonly #socket: Socket;
  /** Absent until the first. */
  #watches: CallerWatch[] | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  add(watch: CallerWatch): void {
    if (!this.#watches) this.#socket.once('end', () => this.tell());
    this.#watches ??= [];
    if (this.#socket.destroyed) watch.leave();
    else this.#watches.push(watch);
  }

  remove(watch: CallerWatch): void {
    const at = this.#watches?.indexOf(watch) ?? -1;
    if (at !== -1) this.#watches?.splice(at, 1);
  }

  /** The client has left. */
  tell(): void {
    for (const watch of this.#watches?.splice(0) ?? []) watch.leave();
  }
}

/** Makes a signal that aborts when the client leaves, or has its reply. */
export function abortWhenOver(response: ServerResponse): AbortSignal {
  const abort = new AbortController();
  const {socket} = response.req;
  const leave = () => {
    socket.off('end', leave);
    abort.abort('left'); // without a reason each makes an error with a stack
  };
  if (response.closed) leave();
  response.once('close', leave);
  socket.once('end', leave); // where the signal is used, a client that has closed its side counts as gone
  return abort.signal;
}
