import {type Authenticator, type ConnectionOptions, connect, credsAuthenticator, nkeyAuthenticator} from '@nats-io/transport-node';
import {isUnreachable} from '../unreachable.ts';
import {mostPings} from './alive.ts';
import {NatsTransport} from './client.ts';
import type {TlsFiles} from './place.ts';
import type {Transport} from './transport.ts';

export interface Address {
  readonly servers: readonly string[];
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly token?: string | undefined;
  /** What a file of credentials says: as `nsc` writes it, or the seed of an nkey alone. */
  readonly credentials?: Uint8Array | undefined;
  /** Undefined: TLS if the servers ask for it. Otherwise it must be. */
  readonly tls?: TlsFiles | undefined;
}

/** A server that stands still is noticed after three of these. */
const pingMs = 1000;
const reconnectMs = 250;
const firstConnectMs = 5000;

/** @throws Error when no server answers */
export async function connectTo({servers: all, user, password, token, credentials, tls}: Address): Promise<Transport> {
  const options: ConnectionOptions = {
    name: 'core-runtime',
    timeout: firstConnectMs,
    maxReconnectAttempts: -1,
    reconnectTimeWait: reconnectMs,
    pingInterval: pingMs,
    maxPingOut: mostPings,
    ignoreClusterUpdates: true,
    ignoreAuthErrorAbort: true,
    noAsyncTraces: true,
    ...(user !== undefined && {user, pass: password ?? ''}),
    ...(token !== undefined && {token}),
    ...(credentials && {authenticator: authenticatorOf(credentials)}),
    ...(tls && {tls: optionsOf(tls)}),
  };
  const connectOne = (servers = all) => connect({...options, servers: [...servers]});
  const connection = await connectOne();
  connection.setServers([...all]); // the client has forgotten those that were not there
  return new NatsTransport(connection, connectOne);
}

/** True when no server is there, or none answers. What one refuses a user or a certificate for is none of that. Pure. */
export function isAbsent(error: unknown): boolean {
  if (!(error instanceof Error)) return error === undefined; // the client has no word for a server that hangs up at once
  const {name, message, cause} = error;
  if (isUnreachable(error) || name === 'TimeoutError') return true;
  return name === 'ConnectionError' && cause === undefined && /^(connection refused|error connecting)/.test(message);
}

/** The files are read again at each connection. */
const optionsOf = ({ca, cert, key}: TlsFiles) => ({
  ...(ca !== undefined && {caFile: ca}),
  ...(cert !== undefined && {certFile: cert}),
  ...(key !== undefined && {keyFile: key}),
});

function authenticatorOf(credentials: Uint8Array): Authenticator {
  const [seed = ''] = /^\s*SU[A-Z2-7]{56}\s*$/.exec(Buffer.from(credentials).toString()) ?? [];
  return seed === '' ? credsAuthenticator(credentials) : nkeyAuthenticator(Buffer.from(seed.trim()));
}
