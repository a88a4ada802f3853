import {randomUUIDv7} from 'node:crypto';
import nodeHttp, {type IncomingMessage, type Server, type ServerResponse} from 'node:http';
import type {AddressInfo, Socket} from 'node:net';
import type Koa from 'koa';
import {asFault, Fault} from '../../src/errors.ts';
import {faultResult} from '../../src/http/answer.ts';
import {late} from '../../src/late.ts';
import {shareDescriptors} from '../../src/limits/descriptors.ts';
import {inGroup} from '../../src/settings/groups.ts';
import {duration, metricsPath, port, type Settings, setting, size} from '../../src/settings/setting.ts';
import type {House, TriggerPlugin} from '../../src/trigger.ts';
import {breakOffAtEnd, hasBody} from './body.ts';
import {closeServer} from './close.ts';
import {connectionsOf, takeNext} from './connection.ts';
import {type Edge, HttpDelivery} from './delivery.ts';
import {guardHead, mostFields, parserFault} from './guard.ts';
import {watchHeads} from './heads.ts';
import {Readers} from './leaving.ts';
import {gatePipeline} from './pipeline.ts';
import {answerAsterisk, refuse, refuseRaw} from './refuse.ts';
import {Senders} from './senders.ts';
import {requestTimedOut} from './time-limit.ts';
import {mostInProgress, Turns} from './turns.ts';
import {writeResult} from './wire.ts';

const settings = {
  ...inGroup('first', {port: setting('PORT', port(), '8080', 'Public HTTP port, on all interfaces.')}),
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

/** On one connection: a few for each request in progress, and Node's own. Past it Node writes a warning to stderr. */
const mostListeners = 4 * mostInProgress;

/** How long a client may take to send. */
export type Patience = Pick<typeof serverOptions, 'headersTimeout' | 'requestTimeout' | 'connectionsCheckingInterval'>;

/** The public HTTP port: each request is a delivery. */
export const http = {
  settings,

  async open({port, payloadMaxBytes, keepAliveMs, metricsPath}, house, patience: Patience = serverOptions) {
    let isClosing = false;
    const edge: Edge = {
      maxBodyBytes: payloadMaxBytes,
      budget: house.budget,
      clock: house.clock,
      isClosing: () => isClosing,
      inFlight: 0,
      readers: new Readers(house.budget, house.clock, () => house.meter.connectionCut('slow-reader')),
      senders: new Senders(house.clock, () => house.meter.connectionCut('slow-sender')),
      turns: new Turns((request, response) => {
        if (request.url === '*') answerAsterisk(request, response, house, edge);
        else void walk(request, response);
      }),
      answered: (method, status, startedAt, exemplar) =>
        house.meter.requestEnded(method, status, (house.clock.monotonic() - startedAt) / 1000, exemplar),
    };
    if (house.budget.maxBytes < payloadMaxBytes)
      house.log.warn({}, 'CORE_INFLIGHT_BYTES is below SCW_PAYLOAD_MAX_SIZE: bodies in between get 503');
    const server = nodeHttp.createServer({...serverOptions, ...patience, keepAliveTimeout: keepAliveMs});
    const limit = {...patience, clock: house.clock};
    // Past it a connection is closed as it comes: each costs memory, and a process has only so many descriptors.
    server.maxConnections = shareDescriptors().callers;
    server.on('drop', () => house.meter.connectionRefused());
    server.maxHeadersCount = mostFields + 1; // one more than allowed, so that the guard sees it
    Object.assign(server, {httpAllowHalfOpen: true}); // a client may end its side and still wait for the answer
    const sockets = connectionsOf(server);
    const walk = koaApp(house, edge, metricsPath).callback();
    const serve = (request: IncomingMessage, response: ServerResponse) => {
      if (!takeNext(response)) return;
      if (request.headers.upgrade !== undefined && hasBody(request)) breakOffAtEnd(request);
      const fault = guardHead(request);
      if (fault) refuse(request, response, fault, house, edge);
      else edge.turns.take(request, response);
    };
    server.on('connection', socket => {
      socket.setMaxListeners(mostListeners);
      gatePipeline(socket, () => house.meter.pipelined());
    });
    server.on('request', serve);
    server.on('checkContinue', (request, response) => {
      // The body is asked for when the caller was let in. Where there is none, Node would close the connection for want of a 100.
      if (!hasBody(request)) response.writeContinue();
      serve(request, response);
    });
    server.on('checkExpectation', serve); // the guard refuses it
    server.on('connect', (_request, socket: Socket) => refuseRaw(socket, new Fault('METHOD_REFUSED'), house));
    server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
      const fault = parserFault(error);
      if (fault?.code === 'REQUEST_TIMEOUT') requestTimedOut(socket, limit, () => refuseRaw(socket, fault, house));
      else if (fault) refuseRaw(socket, fault, house);
      else if (socket.destroyed || !socket.writable) socket.destroy();
    });
    watchHeads(server, edge.budget, house.clock, (socket, fault) => refuseRaw(socket, fault, house));
    const url = await listen(server, {port, reusePort: house.isShared});

    return {
      url,
      async [Symbol.asyncDispose]() {
        isClosing = true;
        await closeServer(server, {sockets, leaving: edge.readers}, house);
      },
    };
  },
} satisfies TriggerPlugin<typeof settings, House>;

function koaApp(house: House, edge: Edge, metricsPath: string): Koa {
  const Application = late('koa') as typeof Koa;
  const app = new Application();
  // Every outcome is a reply of ours; what gets here is a bug, or a client that is gone. In the place of Koa's own, which
  // writes to the error that it is given: some throw then, outside every handler.
  app.context.onerror = function (this: Koa.Context, error: unknown) {
    if (error === null || error === undefined || this.req.socket.destroyed) return;
    house.log.error({stack: error instanceof Error ? error.stack : String(error)}, 'A request failed outside the stages');
    this.res.destroy();
  };
  app.use(async ctx => {
    ctx.respond = false;
    house.meter.requestStarted();
    const startedAt = house.clock.monotonic();
    let delivery: HttpDelivery;
    try {
      delivery = new HttpDelivery(ctx.req, ctx.res, edge, startedAt);
    } catch (error) {
      const fault = asFault(error);
      const result = faultResult(fault, randomUUIDv7(), ctx.get('accept'));
      house.meter.faulted(fault.code);
      edge.answered(ctx.method, result.status, startedAt);
      const leaving = {bytes: 0, left: () => edge.turns.end(ctx.req)};
      return writeResult(ctx.req, ctx.res, result, {close: true, clock: house.clock, readers: edge.readers, leaving});
    }
    const isScrape = metricsPath !== '' && delivery.path === metricsPath && (ctx.method === 'GET' || ctx.method === 'HEAD');
    await (isScrape ? house.scrape(ctx, delivery) : house.deliver(ctx, delivery));
    ctx.state = {}; // Koa keeps the context until the answer has left: event and reply need not wait for a slow reader
  });
  return app;
}

async function listen(server: Server, at: {port: number; reusePort: boolean}): Promise<string> {
  const {promise, resolve, reject} = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(at, resolve);
  await promise;
  server.off('error', reject);
  return `http://localhost:${(server.address() as AddressInfo).port}`; // a TCP server has an AddressInfo
}
