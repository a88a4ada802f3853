import type {IncomingMessage, Server, ServerResponse} from 'node:http';
import {nodeHttp} from '../../http/node-http.ts';
import {printable} from '../../printable.ts';
import {forward} from './forward.ts';
import {type Listed, listPage, pageFields} from './list.ts';
import {routeOf} from './route.ts';
import type {Place} from './state.ts';

/** A function behind the front. */
export interface Behind {
  readonly name: string;
  /** Waits while it starts, and starts it again when it has ended. @returns where its core listens, or why nothing does */
  reach(): Promise<Place>;
}

export interface FrontOptions {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly functions: Functions;
}

/** The functions behind the front, which may come and go. */
export interface Functions {
  readonly names: readonly string[];
  /** There is one function, and it gets what names none. */
  readonly isAlone: boolean;
  readonly listed: readonly Listed[];
  find(name: string): Behind | undefined;
}

export interface Front extends AsyncDisposable {
  readonly port: number;
}

/** More connections than a developer's browsers and tests open; each costs memory and a descriptor. */
const mostConnections = 1000;
/** As the core takes them. The core says no to larger bodies and slower callers; these limits are for callers without a function. */
const serverOptions = {maxHeaderSize: 2 ** 20, headersTimeout: 10_000, requestTimeout: 60_000, requireHostHeader: false};

/** Listens for several functions: passes each request on to the core of its function, and lists them all at `/`. */
export async function openFront({host, port, functions}: FrontOptions): Promise<Front> {
  const agent = new nodeHttp.Agent({keepAlive: true, maxFreeSockets: 32});
  const paths = () => functions.names.map(name => `/${name}/`).join(', ');
  const server = nodeHttp.createServer(serverOptions, (request, response) => {
    response.once('error', () => {}); // its caller has left
    // A request that Node's parser takes and its client does not send must cost that request only.
    serve(request, response).catch(error => {
      if (!response.headersSent)
        answer(response, 502, `The request cannot be passed on: ${error instanceof Error ? error.message : error}\n`);
      else response.destroy();
    });
  });
  server.maxConnections = mostConnections;
  const listening = await listen(server, host, port);
  return {port: listening, [Symbol.asyncDispose]: () => close(server, () => agent.destroy())};

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (/\bwebsocket\b/i.test(request.headers.upgrade ?? '')) {
      return answer(response, 501, 'Functions take requests and answer them: WebSockets are not served.\n');
    }
    const route = routeOf({host: request.headers.host, target: request.url ?? '/'}, functions.names, functions.isAlone);
    if (route.kind === 'list') return answerList(request, response);
    const found = route.kind === 'function' ? functions.find(route.name) : undefined;
    if (route.kind === 'unknown' || !found) return answer(response, 404, `No function \`${printable(route.name)}\`: expected ${paths()}\n`);
    const place = await found.reach();
    if (response.destroyed) return;
    if ('problem' in place) return answer(response, 503, `The function ${found.name} is not running: ${place.problem}\n`);
    forward(request, response, {...place, target: route.target, agent}, reason => {
      answer(response, 502, `The core of the function ${found.name} did not answer: ${reason}\n`);
    });
  }

  function answerList(request: IncomingMessage, response: ServerResponse): void {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      answer(response, 405, `Expected GET here, or the path of a function: ${paths()}\n`);
      return;
    }
    const {type, body} = listPage(functions.listed, request.headers.accept ?? '');
    response.writeHead(200, {...pageFields, 'Content-Type': type, Vary: 'Accept'});
    response.end(body);
  }
}

/** An answer of the front itself. */
function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff'});
  response.end(text);
}

/** @returns the port */
export function listen(server: Server, host: string, port: number): Promise<number> {
  const {promise, resolve, reject} = Promise.withResolvers<number>();
  server.once('error', reject);
  server.listen({host, port}, () => {
    server.off('error', reject);
    const address = server.address();
    resolve(typeof address === 'object' && address !== null ? address.port : port);
  });
  return promise;
}

/** Takes no new connections, and ends when those with a request in progress have ended. */
function close(server: Server, closed: () => void): Promise<void> {
  return new Promise(resolve => {
    server.close(() => {
      closed();
      resolve();
    });
    server.closeIdleConnections();
  });
}
