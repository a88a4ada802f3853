import nodeHttp from 'node:http';
import type {AddressInfo} from 'node:net';
import type Koa from 'koa';
import type {Budget} from '../budget.ts';
import {ConfigurationError} from '../errors.ts';
import {late} from '../late.ts';
import type {Metrics} from '../observe/metrics.ts';
import type {Schedules} from '../trigger.ts';
import {type ApiOptions, answerApi} from './api.ts';
import {refuseCaller} from './caller.ts';
import type {Readiness} from './readiness.ts';
import {actOnSchedules} from './schedules.ts';

export interface AdminOptions extends ApiOptions {
  readonly host: string;
  readonly port: number;
  readonly metrics: Metrics;
  /** What readers make this process hold is charged to it. */
  readonly budget: Budget;
  readonly readiness: () => Readiness | Promise<Readiness>;
  /** What fires by time, once that is open. */
  readonly schedules: () => Schedules | undefined;
  /** Who carries it may do more than look; undefined: whoever is on this machine. */
  readonly token: string | undefined;
}

/**
The private listener. `/metrics`, `/livez` and `/readyz` answer GET and HEAD to whoever reaches it: there is nothing
secret in them. What begins with `/api/` is for callers that `refuseCaller` lets pass.
*/
export async function openAdmin(options: AdminOptions): Promise<AsyncDisposable & {url: string}> {
  const {host, port} = options;
  const Application = late('koa') as typeof Koa;
  const app = new Application();
  app.silent = true;
  app.use(async ctx => {
    if (ctx.path.startsWith('/api/')) return act(ctx, options);
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') return ctx.throw(405);
    return look(ctx, options);
  });
  const server = nodeHttp.createServer({headersTimeout: 5000, requestTimeout: 5000}, app.callback());
  const {promise, resolve, reject} = Promise.withResolvers<void>();
  server.once('error', (error: NodeJS.ErrnoException) => reject(unusableHost.has(error.code ?? '') ? refuseHost(host) : error));
  server.listen(port, host, resolve);
  await promise;
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

async function look(ctx: Koa.Context, {metrics, readiness}: AdminOptions): Promise<void> {
  switch (ctx.path) {
    case '/metrics': {
      const {contentType, body} = await metrics.scrape(ctx.get('accept'));
      ctx.type = contentType;
      ctx.body = body;
      return;
    }
    case '/livez':
      ctx.body = {live: true};
      return;
    case '/readyz': {
      const state = await readiness();
      ctx.status = state.ready ? 200 : 503;
      ctx.body = state;
      return;
    }
    default:
      ctx.throw(404);
  }
}

async function act(ctx: Koa.Context, options: AdminOptions): Promise<void> {
  const {host, token, schedules} = options;
  const caller = {host: ctx.get('host'), origin: ctx.get('origin'), authorization: ctx.get('authorization')};
  const refusal = refuseCaller(caller, {listenHost: host, token});
  if (refusal === undefined) return /^\/api\/schedules(\/|$)/.test(ctx.path) ? actOnSchedules(ctx, schedules()) : answerApi(ctx, options);
  ctx.status = 403;
  ctx.body = {refused: refusal};
}

const unusableHost = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EADDRNOTAVAIL', 'EINVAL']);

function refuseHost(host: string): ConfigurationError {
  return new ConfigurationError([`CORE_ADMIN_HOST: expected an address of this machine, got \`${host}\``]);
}
