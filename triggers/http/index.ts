import type {IncomingMessage, Server, ServerResponse} from 'node:http';
import type {AddressInfo, Socket} from 'node:net';
import type Koa from 'koa';
import {asFault, Fault} from '../../src/errors.ts';
import {nodeHttp} from '../../src/http/node-http.ts';
import {late} from '../../src/late.ts';
import {shareDescriptors} from '../../src/limits/descriptors.ts';
import {inGroup} from '../../src/settings/groups.ts';
import {duration, metricsPath, port, type Settings, setting, size, word} from '../../src/settings/setting.ts';
import type {House, TriggerPlugin} from '../../src/trigger.ts';
import {breakOffAtEnd, hasBody} from './body.ts';
import {closeServer} from './close.ts';
import {type Connection, connectionOf, mostInProgress, openConnection} from './connection.ts';
import {HttpDelivery} from './delivery.ts';
import {type Edge, openEdge} from './edge.ts';
import {guardHead, mostFields, parserFault} from './guard.ts';
import {HeadWatch} from './heads.ts';
import {survive} from './last-words.ts';
import {gatePipeline} from './pipeline.ts';
import {Readers} from './readers.ts';
import {answerAsterisk, refuse, refuseInTurn, refuseRaw} from './refuse.ts';
import {requestTimedOut} from './time-limit.ts';
import {mayUpgrade, takeUpgrades} from './upgrade.ts';

const settings = {
  ...inGroup('first', {port: setting('PORT', port(), '8080', 'Public HTTP port.')}),
  host: setting('CORE_HOST', word(), undefined, 'Address that the public port listens on. By default all of this machine.'),
  ...inGroup('limits', {
    payloadMaxBytes: setting('SCW_PAYLOAD_MAX_SIZE', size(), '6291456', 'Largest request body, counted as received.'),
  }),
  keepAliveMs: setting(
    'CORE_KEEP_ALIVE',
    duration(1),
    '650s',
    'How long a connection may be idle between requests. A balancer in front must close its idle connections earlier.',
  ),
  ...inGroup('observing', {
    metricsPath: setting(
      'CORE_METRICS_PATH',
      metricsPath(),
      '/metrics',
      'Path of the metrics on the public port; empty gives it to the function.',
      {
        emptyIsValue: true,
      },
    ),
  }),
} satisfies Settings;

const serverOptions = {
  maxHeaderSize: 2 ** 20,
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 1000,
  joinDuplicateHeaders: true,
  requireHostHeader: false, // HTTP/1.0 health checks send none; the guard asks HTTP/1.1 for it
};

/** Listeners on one socket: a few for each request in progress, and Node's own. Past this, Node writes a warning to stderr. */
const mostListeners = 4 * mostInProgress;

/** How long a client may take to send. */
export type Patience = Pick<typeof serverOptions, 'headersTimeout' | 'requestTimeout' | 'connectionsCheckingInterval'>;

/** The public HTTP port: each request is a delivery. */
export const http = {
  settings,
  runsBeside: true,

  async open(section, house, patience: Patience = serverOptions) {
    const connections = new Set<Connection>();
    const readers = new Readers(house.budget, house.clock, () => house.meter.connectionCut('slow-reader'));
    const edge = openEdge(section.payloadMaxBytes, readers, house);
    const server = createServer(section.keepAliveMs, house.bodies === 'open' ? {...patience, requestTimeout: 0} : patience, house);
    acceptConnections(server, connections, serveInTurn(section.metricsPath, edge, house), house);
    takeRequests(server, edge, house);
    refuseBytes(server, patience, house);
    const url = await listen(server, {host: section.host, port: section.port, reusePort: house.isShared});

    return {
      url,
      async [Symbol.asyncDispose]() {
        edge.isClosing = true;
        await closeServer(server, {connections, leaving: readers}, house);
      },
    };
  },
} satisfies TriggerPlugin<typeof settings, House>;

function createServer(keepAliveTimeout: number, patience: Patience, {passes, meter}: House): Server {
  const upgrades = passes && {shouldUpgradeCallback: mayUpgrade};
  const server = nodeHttp.createServer({...serverOptions, ...patience, ...upgrades, keepAliveTimeout});
  // Past this, a new connection is closed at once: each costs memory, and a process has only so many descriptors.
  server.maxConnections = shareDescriptors().callers;
  server.on('drop', () => meter.connectionRefused());
  server.maxHeadersCount = mostFields + 1; // one more than allowed, so that the guard sees it
  return Object.assign(server, {httpAllowHalfOpen: true}); // a client may end its side and still wait for the reply
}

/** @param connections those that are open, as they come and go */
function acceptConnections(server: Server, connections: Set<Connection>, serve: Serve, house: House): void {
  const heads = new HeadWatch(connections, house.budget, house.clock, (socket, fault) => refuseRaw(socket, fault, house));
  server.on('connection', socket => {
    socket.setMaxListeners(mostListeners);
    const connection = openConnection(socket, serve);
    connections.add(connection);
    socket.once('close', () => connections.delete(connection));
    gatePipeline(connection, () => house.meter.pipelined());
    heads.start();
  });
}

/** A request whose head is whole waits for its turn, or is refused. */
function takeRequests(server: Server, edge: Edge, house: House): void {
  server.on('request', take);
  server.on('checkContinue', (request, response) => {
    // A body is asked for once its caller was let in. Without a body the 100 is sent here: Node would close the connection.
    if (!hasBody(request)) response.writeContinue();
    take(request, response);
  });
  server.on('checkExpectation', take); // the guard refuses it
  if (house.passes) takeUpgrades(server, take);

  function take(request: IncomingMessage, response: ServerResponse): void {
    const connection = connectionOf(request.socket);
    if (!connection.take(response)) return;
    if (request.headers.upgrade !== undefined && hasBody(request)) breakOffAtEnd(connection, request);
    const fault = guardHead(request);
    if (fault) refuse(response, fault, house, edge);
    else connection.serveInTurn(response);
  }
}

/** Bytes that do not become a request: a fault of the parser, a time that is over, or CONNECT. */
function refuseBytes(server: Server, patience: Patience, house: House): void {
  const limit = {...patience, clock: house.clock};
  server.on('connect', (_request, socket: Socket) => {
    survive(socket);
    refuseRaw(socket, new Fault('METHOD_REFUSED'), house);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const fault = parserFault(error);
    if (fault?.code === 'REQUEST_TIMEOUT') requestTimedOut(socket, limit, () => refuseRaw(socket, fault, house));
    else if (fault) refuseRaw(socket, fault, house);
    else if (socket.destroyed || !socket.writable) socket.destroy();
  });
}

/**
Serves a request whose turn has come. Koa makes the context. The rest of what Koa does is done elsewhere: the stages reply, and
`Readers` follow a reply until it has left. Koa's own watch on each reply took a twentieth of the time of a call.
*/
function serveInTurn(metricsPath: string, edge: Edge, house: House): Serve {
  const app = new (late('koa') as typeof Koa)();
  return response => {
    if (response.req.url === '*') answerAsterisk(response, house, edge);
    else void serve(app.createContext(response.req, response));
  };

  /** Never rejects. Every outcome is a reply of ours. An error here is a bug, or the client is gone. */
  async function serve(ctx: Koa.ParameterizedContext): Promise<void> {
    try {
      await deliver(ctx);
    } catch (error) {
      if (ctx.req.socket.destroyed) return;
      house.log.error({stack: error instanceof Error ? error.stack : String(error)}, 'A request failed outside the stages');
      ctx.res.destroy();
    }
  }

  function deliver(ctx: Koa.ParameterizedContext): Promise<void> | void {
    const startedAt = house.clock.monotonic();
    let delivery: HttpDelivery;
    try {
      delivery = new HttpDelivery(ctx.res, edge, startedAt);
    } catch (error) {
      return refuseInTurn(ctx.res, asFault(error), house, edge);
    }
    house.meter.requestStarted();
    const isScrape = metricsPath !== '' && delivery.path === metricsPath && (ctx.method === 'GET' || ctx.method === 'HEAD');
    return isScrape ? house.scrape(delivery, ctx) : house.deliver(delivery, ctx);
  }
}

/** How a caller on this machine names the address. */
function nameOf(host: string | undefined): string {
  if (host === undefined || ['0.0.0.0', '::', '127.0.0.1'].includes(host)) return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}

type Serve = (response: ServerResponse) => void;

async function listen(server: Server, at: {host: string | undefined; port: number; reusePort: boolean}): Promise<string> {
  const {promise, resolve, reject} = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(at, resolve);
  await promise;
  server.off('error', reject);
  return `http://${nameOf(at.host)}:${(server.address() as AddressInfo).port}`; // a TCP server has an AddressInfo
}
