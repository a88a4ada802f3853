import type {IncomingMessage, ServerResponse} from 'node:http';
import {type Connection, connectionOf} from './connection.ts';

/** Requests of one connection that are served at a time, from when they are taken until their answers have left. */
export const mostInProgress = 16;

/** Methods without effects (RFC 9110 §9.2.1): only these may be served at the same time on one connection. */
const safe: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/** The requests of each connection take turns: RFC 9112 §9.3.2 for their order, and a bound on how many there are. */
export class Turns {
  readonly #serve: (request: IncomingMessage, response: ServerResponse) => void;

  constructor(serve: (request: IncomingMessage, response: ServerResponse) => void) {
    this.#serve = serve;
  }

  /** Serves a request at once, or when those before it on the same connection allow it. */
  take(request: IncomingMessage, response: ServerResponse): void {
    const connection = connectionOf(request.socket);
    if (connection.waiting.length === 0 && mayStart(connection, request)) this.#start(connection, request, response);
    else connection.waiting.push({request, response});
  }

  /** The answer has left, or never will. */
  end({socket}: IncomingMessage): void {
    const connection = connectionOf(socket);
    connection.inProgress--;
    if (connection.waiting.length === 0 && connection.letIn === undefined) return;
    for (let next = connection.waiting[0]; next && mayStart(connection, next.request); next = connection.waiting[0]) {
      connection.waiting.shift();
      // Who has gone is not served: it would get nothing.
      if (!socket.destroyed) this.#start(connection, next.request, next.response);
    }
    connection.letIn?.();
  }

  #start(connection: Connection, request: IncomingMessage, response: ServerResponse): void {
    connection.inProgress++;
    connection.isExclusive = !safe.has(request.method ?? '');
    this.#serve(request, response);
  }
}

function mayStart({inProgress, isExclusive}: Connection, {method = ''}: IncomingMessage): boolean {
  return inProgress === 0 || (inProgress < mostInProgress && !isExclusive && safe.has(method));
}
