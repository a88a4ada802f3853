import type {Server} from 'node:http';
import type {Socket} from 'node:net';
import {Attempts} from '../../admin/attempts.ts';
import {type CallerRules, callerOf, refuseCaller} from '../../admin/caller.ts';
import {failureBody} from '../../admin/failure.ts';
import {handlerOf} from '../../admin/handle.ts';
import {pickMethod, routesAt} from '../../admin/match.ts';
import {refuseBytes, refuseTunnel} from '../../admin/raw.ts';
import {consoleRoutes} from '../../admin/routes/console.ts';
import {Sessions} from '../../admin/sessions.ts';
import {gate} from '../../admin/turns.ts';
import type {Clock} from '../../clock.ts';
import {nodeHttp} from '../../http/node-http.ts';
import type {Log} from '../../log.ts';
import {printable} from '../../printable.ts';
import {type Call, Refusal, type Reply, type Route} from '../../route.ts';
import {consoleRouteOf} from './console-route.ts';
import {forward} from './forward.ts';
import {listen} from './front.ts';
import type {Listed} from './list.ts';
import type {Place} from './state.ts';

export interface ConsoleOptions {
  /** CORE_ADMIN_HOST. */
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** CORE_ADMIN_TOKEN of the environment, which each core has, too. */
  readonly token: string | undefined;
  readonly functions: Consoled;
  readonly clock: Clock;
  /** Takes a sentence for the developer. */
  noted(sentence: string): void;
}

/** The functions whose consoles these are. They may come and go. */
export interface Consoled {
  readonly names: readonly string[];
  readonly listed: readonly Listed[];
  /** @returns where its private listener is now; nothing is started for it */
  find(name: string): {readonly privatePlace: Place} | undefined;
}

const serverOptions = {headersTimeout: 5000, requestTimeout: 5000, requireHostHeader: false};
/** More than the pages and commands of one developer. */
const mostConnections = 1000;
/** What the private listener of a core shows to everybody. */
const open = new Set(['/metrics', '/livez', '/readyz']);

/**
Opens the one private place of several functions: their consoles, and behind them the private listener of each. It refuses whom a
core would refuse, and each core judges what is passed on to it once more.
*/
export async function openConsole(options: ConsoleOptions): Promise<AsyncDisposable & {readonly port: number}> {
  const {host, port, clock} = options;
  const log = logTo(options.noted);
  const rules = rulesOf(options);
  const handle = handlerOf(routesOf(options.functions, rules), {rules, clock, log, meter: {readerRefused() {}}});
  const server = nodeHttp.createServer(serverOptions, handle);
  server.maxConnections = mostConnections;
  server.on('connection', gate);
  server.on('checkExpectation', handle);
  server.on('connect', (_request, socket: Socket) => refuseTunnel(socket, {log, clock}));
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => refuseBytes(error, socket, {log, clock}));
  const listening = await listen(server, host, port);
  return {port: listening, [Symbol.asyncDispose]: () => close(server)};
}

const rulesOf = ({host, token, clock}: ConsoleOptions): CallerRules => ({
  listenHost: host,
  token,
  sessions: token === undefined ? undefined : new Sessions(token, clock),
  attempts: new Attempts(clock),
});

/** Every path is decided in one place, as a path may name a function that comes later. */
function routesOf(functions: Consoled, rules: CallerRules): Route[] {
  const agent = new nodeHttp.Agent({keepAlive: false}); // a core that is started anew has no connection of its predecessor
  const paths = ['/', '/<rest*>'];
  const methods = ['GET', 'POST', 'DELETE'] as const;
  return paths.flatMap(path => methods.map(method => ({method, path, open: true as const, doc: '', run})));

  async function run(call: Call): Promise<Reply | undefined> {
    const {request, get} = call;
    const route = consoleRouteOf(request.url ?? '/', functions.names);
    const isOpen = route.kind === 'function' && open.has(route.path);
    const refusal = isOpen ? undefined : refuseCaller(callerOf(request, get), rules, 'page');
    if (refusal) throw refusal;
    if (route.kind === 'unknown') throw new Refusal('NOT_FOUND', `no function \`${printable(route.name)}\`: ${expected()}`);
    if (route.kind !== 'function') requireReading(request.method);
    if (route.kind === 'list') return list(functions.listed);
    if (route.kind === 'elsewhere') return redirect(route.location);
    // The page is the same for all, and is here also while a core is not: it says so then.
    const page = routesAt(consoleRoutes, route.path);
    if (page.length === 0) return passOn(call, route.name, route.target);
    const {route: found, name} = pickMethod(page, request.method ?? '');
    return found.run({...call, name});
  }

  function passOn({request, response}: Call, name: string, target: string): Reply | undefined {
    const place = functions.find(name)?.privatePlace ?? {problem: 'it is gone'};
    if ('problem' in place) return {status: 503, body: {error: {code: 'CORE_GONE', message: goneText(name, place.problem)}}};
    forward(request, response, {...place, target, agent}, reason => {
      response.writeHead(502, {'Content-Type': 'application/json; charset=utf-8', 'X-Content-Type-Options': 'nosniff'});
      response.end(failureBody('CORE_GONE', goneText(name, reason)));
    });
    return undefined;
  }

  function expected(): string {
    return functions.names.length === 0 ? 'there is none' : `expected one of ${functions.names.join(', ')}`;
  }
}

const goneText = (name: string, problem: string) => `The core of ${name} does not answer: ${problem}.`;

/** A browser that is not signed in yet gets it, too, so it says no more than there is to choose from. */
const list = (functions: readonly Listed[]): Reply => ({
  headers: {'Cache-Control': 'no-store'},
  body: {functions: functions.map(({name, state}) => ({name, state}))},
});

const redirect = (location: string): Reply => ({
  status: 302,
  type: 'text/plain; charset=utf-8',
  headers: {Location: location, 'Cache-Control': 'no-store'},
  body: `The console is at ${location}\n`,
});

/** @throws Refusal METHOD_NOT_ALLOWED */
function requireReading(method: string | undefined): void {
  if (method === 'GET' || method === 'HEAD') return;
  throw new Refusal('METHOD_NOT_ALLOWED', 'expected GET, HEAD', {headers: {Allow: 'GET, HEAD'}});
}

/** A refusal is said to its caller; the developer hears of bugs only. */
function logTo(noted: (sentence: string) => void): Log {
  const nothing = () => {};
  return {
    debug: nothing,
    info: nothing,
    warn: nothing,
    error: ({stack}, message) => noted(`The console: ${message}${typeof stack === 'string' ? `\n${stack}` : ''}`),
  };
}

/** Event streams have no end of their own. */
function close(server: Server): Promise<void> {
  const closed = new Promise<void>(resolve => server.close(() => resolve()));
  server.closeAllConnections();
  return closed;
}
