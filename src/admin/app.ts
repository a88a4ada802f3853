import type {Server} from 'node:http';
import type {AddressInfo, Socket} from 'node:net';
import {ConfigurationError} from '../errors.ts';
import {nodeHttp} from '../http/node-http.ts';
import {shareDescriptors} from '../limits/descriptors.ts';
import {Attempts} from './attempts.ts';
import type {CallerRules} from './caller.ts';
import {type HandlingOptions, handlerOf} from './handle.ts';
import {joinRoutes} from './match.ts';
import {refuseBytes, refuseTunnel} from './raw.ts';
import {type AdminHouse, adminRoutes} from './routes/index.ts';
import {Sessions} from './sessions.ts';
import {gate} from './turns.ts';

export interface AdminOptions extends Omit<AdminHouse, 'rules'>, Omit<HandlingOptions, 'meter' | 'rules'> {
  /** CORE_ADMIN_HOST. */
  readonly host: string;
  /** CORE_ADMIN_TOKEN. Callers that send it may use every route; undefined: every caller on this machine may. */
  readonly token: string | undefined;
  /** CORE_ADMIN_PORT. */
  readonly port: number;
}

const serverOptions = {
  headersTimeout: 5000,
  requestTimeout: 5000,
  requireHostHeader: false, // Node would refuse it without a body; the handler refuses it in the shape of every error
};

/**
Opens the private listener: a table of routes, behind one function that answers them all.

@throws ConfigurationError when CORE_ADMIN_HOST is not an address of this machine
*/
export async function openAdmin(options: AdminOptions): Promise<AsyncDisposable & {url: string}> {
  const {host, port, token, clock, log, metrics, routes} = options;
  const sessions = token === undefined ? undefined : new Sessions(token, clock);
  const rules: CallerRules = {listenHost: host, token, sessions, attempts: new Attempts(clock)};
  const house = {...options, rules, meter: metrics.meter};
  const handle = handlerOf(joinRoutes(adminRoutes(house), routes), house);
  const server = nodeHttp.createServer(serverOptions, handle);
  // A connection past this number is closed as it comes.
  server.maxConnections = shareDescriptors().admin;
  server.on('connection', gate);
  server.on('checkExpectation', handle); // it refuses the request
  server.on('connect', (_request, socket: Socket) => refuseTunnel(socket, options));
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => refuseBytes(error, socket, options));
  const url = await listen(server, host, port);
  server.on('error', error => log.error({stack: error.stack}, 'The private listener failed to take a connection'));
  return {
    url,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>(done => server.close(() => done()));
    },
  };
}

/** @returns the URL of the listener */
async function listen(server: Server, host: string, port: number): Promise<string> {
  const {promise, resolve, reject} = Promise.withResolvers<void>();
  server.once('error', (error: NodeJS.ErrnoException) => reject(unusableHost.has(error.code ?? '') ? refuseHost(host) : error));
  server.listen(port, host, resolve);
  await promise;
  const address = server.address() as AddressInfo; // a TCP server has an AddressInfo
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `http://${name}:${address.port}`;
}

const unusableHost = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EADDRNOTAVAIL', 'EINVAL']);

function refuseHost(host: string): ConfigurationError {
  return new ConfigurationError([`CORE_ADMIN_HOST: expected an address of this machine, got \`${host}\``]);
}
