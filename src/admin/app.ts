import nodeHttp, {STATUS_CODES} from 'node:http';
import type {AddressInfo, Socket} from 'node:net';
import type Koa from 'koa';
import {parseTarget} from '../../triggers/http/target.ts';
import type {Clock} from '../clock.ts';
import {ConfigurationError} from '../errors.ts';
import {late} from '../late.ts';
import {shareDescriptors} from '../limits/descriptors.ts';
import {LimitedLog} from '../limits/limited-log.ts';
import type {Log} from '../log.ts';
import type {Schedules} from '../trigger.ts';
import {type ApiOptions, apiRoutes} from './api.ts';
import {refuseCaller} from './caller.ts';
import {answerFailure, failureBody} from './failure.ts';
import {limitReading} from './patience.ts';
import {type ProbeOptions, probes} from './probes.ts';
import {Refusal} from './refusal.ts';
import {findRoute} from './routes.ts';
import {scheduleRoutes} from './schedules.ts';
import {gate, isAnswering, takeTurn} from './turns.ts';

export interface AdminOptions extends ApiOptions, ProbeOptions {
  readonly host: string;
  readonly port: number;
  /** What fires by time, once that is open. */
  readonly schedules: () => Schedules | undefined;
  /** Callers that carry it may do more than look; undefined: all callers on this machine may. */
  readonly token: string | undefined;
  readonly log: Log;
}

/**
The private listener. `/metrics`, `/livez` and `/readyz` answer GET and HEAD to everybody who reaches it. What begins
with `/api/` is for callers that `refuseCaller` lets pass. Whatever throws is logged and answered in one shape.
*/
export async function openAdmin(options: AdminOptions): Promise<AsyncDisposable & {url: string}> {
  const {host, port} = options;
  const server = nodeHttp.createServer({headersTimeout: 5000, requestTimeout: 5000}, application(options).callback());
  // Past it a connection is closed as it comes.
  server.maxConnections = shareDescriptors().admin;
  server.on('connection', gate);
  server.on('clientError', refuseRaw);
  const {promise, resolve, reject} = Promise.withResolvers<void>();
  server.once('error', (error: NodeJS.ErrnoException) => reject(unusableHost.has(error.code ?? '') ? refuseHost(host) : error));
  server.listen(port, host, resolve);
  await promise;
  server.on('error', error => options.log.error({stack: error.stack}, 'The private listener failed to take a connection'));
  const address = server.address() as AddressInfo; // a TCP server has an AddressInfo
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return {
    url: `http://${name}:${address.port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>(done => server.close(() => done()));
    },
  };
}

function application(options: AdminOptions): Koa {
  const {host: listenHost, token, clock, metrics} = options;
  const log = limited(options.log, clock);
  const open = probes(options);
  const guarded = [...apiRoutes(options), ...scheduleRoutes(options.schedules)];
  const Application = late('koa') as typeof Koa;
  const app = new Application();
  // In the place of Koa's own, which writes to the error that it is given: some throw then, outside every handler.
  app.context.onerror = function (this: Koa.Context, error: unknown) {
    if (error !== null && error !== undefined) answerFailure(this.req, this.res, error, log);
  };
  app.use(async ctx => {
    limitReading(ctx.res, clock, () => metrics.meter.readerRefused('slow'));
    try {
      if (await takeTurn(ctx.res)) await answer(ctx);
    } catch (error) {
      ctx.respond = false;
      answerFailure(ctx.req, ctx.res, error, log);
    }
  });
  return app;

  async function answer(ctx: Koa.Context): Promise<void> {
    const target = ctx.req.url ?? '';
    if (!target.startsWith('/') && !URL.canParse(target)) throw new Refusal('BAD_REQUEST', 'the target is neither a path nor a URL');
    const {path, query} = parseTarget(target);
    const isOpen = !path.startsWith('/api/');
    const refusal = isOpen ? undefined : refuseCaller(callerOf(ctx), {listenHost, token});
    if (refusal) throw refusal;
    const {route, name} = findRoute(isOpen ? open : guarded, ctx.method, path);
    await route.run({ctx, name, query: new URLSearchParams(query)});
  }
}

/** Whoever reaches the listener can cause its lines: a flood of requests must not become a flood of the log. */
function limited(log: Log, clock: Clock): Log {
  const lines = new LimitedLog(log, clock);
  return {
    debug: (fields, message) => log.debug(fields, message),
    info: (fields, message) => log.info(fields, message),
    warn: (fields, message) => lines.write('warn', `${fields.code}`, fields, message),
    error: (fields, message) => lines.write('error', `${fields.code}`, fields, message),
  };
}

const callerOf = (ctx: Koa.Context) => ({host: ctx.get('host'), origin: ctx.get('origin'), authorization: ctx.get('authorization')});

/** Answers bytes that are no request; in the middle of an answer to another they can only end the connection. */
function refuseRaw(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET' || isAnswering(socket)) {
    socket.destroy();
    return;
  }
  const [status, code, message] = malformed[error.code ?? ''] ?? ([400, 'BAD_REQUEST', 'the request is malformed'] as const);
  const body = failureBody(code, message);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

const malformed: Readonly<Record<string, readonly [status: number, code: Refusal['code'], message: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'HEAD_TOO_LARGE', 'the head of the request is too large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'REQUEST_TIMEOUT', 'the request was not received in time'],
};

const unusableHost = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EADDRNOTAVAIL', 'EINVAL']);

function refuseHost(host: string): ConfigurationError {
  return new ConfigurationError([`CORE_ADMIN_HOST: expected an address of this machine, got \`${host}\``]);
}
