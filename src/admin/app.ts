import nodeHttp from 'node:http';
import type {AddressInfo} from 'node:net';
import Koa from 'koa';
import {ConfigurationError} from '../errors.ts';
import type {Metrics} from '../observe/metrics.ts';

/** What the runtime can do now, for whoever routes traffic to it. */
export interface Readiness {
  readonly ready: boolean;
  readonly phase: 'booting' | 'ready' | 'broken' | 'restarting' | 'gave-up' | 'draining';
  /** Why it is not ready, when there is more to say than the phase. */
  readonly cause?: string;
}

export interface AdminOptions {
  readonly host: string;
  readonly port: number;
  readonly metrics: Metrics;
  readonly readiness: () => Readiness;
}

/** The private listener: `/metrics`, `/livez`, `/readyz`, for GET and HEAD. There is nothing secret in them. */
export async function openAdmin({host, port, metrics, readiness}: AdminOptions): Promise<AsyncDisposable & {url: string}> {
  const app = new Koa();
  app.silent = true;
  app.use(async ctx => {
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') return ctx.throw(405);
    switch (ctx.path) {
      case '/metrics':
        ctx.type = metrics.contentType;
        ctx.body = await metrics.scrape();
        return;
      case '/livez':
        ctx.body = {live: true};
        return;
      case '/readyz': {
        const state = readiness();
        ctx.status = state.ready ? 200 : 503;
        ctx.body = state;
        return;
      }
      default:
        ctx.throw(404);
    }
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

const unusableHost = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EADDRNOTAVAIL', 'EINVAL']);

function refuseHost(host: string): ConfigurationError {
  return new ConfigurationError([`CORE_ADMIN_HOST: expected an address of this machine, got \`${host}\``]);
}
