import {connect, credsAuthenticator, type Msg, type MsgHdrs, type NatsConnection} from '@nats-io/transport-node';
import {attempt} from '../../src/attempt.ts';
import type {ConnectHouse} from '../../src/messages/message.ts';

export interface Address {
  readonly servers: readonly string[];
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly token: string | undefined;
  /** What a file of credentials says. */
  readonly credentials: string | undefined;
}

export interface Connected {
  readonly client: NatsConnection;
  /** Rejects when the connection is lost, and no server took it over within seconds. */
  readonly lost: Promise<never>;
  /** Resolves when the server has all that was sent before. @throws Error when the connection was lost before it said so */
  flush(): Promise<void>;
  /** Sends what waits to be sent, then closes. Never rejects. */
  close(): Promise<void>;
}

const connectMs = 5000;
/** The client itself goes on with another server, or with one that has started again: so acknowledgements survive that. */
const reconnects = {maxReconnectAttempts: 4, reconnectTimeWait: 250};
/** A server that stands still is noticed after two of these. */
const pingMs = 5000;
const flushMs = 1000;

/** @throws Error when no server answers */
export async function connectTo({servers, user, password, token, credentials}: Address, house: ConnectHouse): Promise<Connected> {
  const client = await connect({
    servers: [...servers],
    name: `core-runtime ${house.name}`,
    timeout: connectMs,
    ...reconnects,
    pingInterval: pingMs,
    maxPingOut: 2,
    noAsyncTraces: true,
    ...(user !== undefined && {user, pass: password ?? ''}),
    ...(token !== undefined && {token}),
    ...(credentials !== undefined && {authenticator: credsAuthenticator(Buffer.from(credentials))}),
  });
  const lost = client.closed().then(error => {
    throw error instanceof Error ? error : new Error('the connection was closed');
  });
  /** The client forgets those that began while it tried to connect for the last time. */
  const flushing = new Set<(error: Error) => void>();
  lost.catch(error => {
    for (const reject of flushing) reject(error);
  });
  const flush = () =>
    new Promise<void>((resolve, reject) => {
      flushing.add(reject);
      const over = () => flushing.delete(reject);
      client.flush().then(resolve, reject).finally(over);
    });
  return {
    client,
    lost,
    flush,
    async close() {
      const hurry = new AbortController();
      await Promise.race([flush().catch(() => {}), house.clock.sleep(flushMs, hurry.signal)]);
      hurry.abort();
      await client.close().catch(() => {});
    },
  };
}

/** A message, of a stream or of NATS itself. */
export type Received = Pick<Msg, 'data' | 'subject'> & {readonly headers?: MsgHdrs | undefined};

/** Undefined also where a client has sent some that this one refuses to read: then the message arrives without. */
export function headersOf(message: Received): MsgHdrs | undefined {
  return attempt(() => message.headers);
}

/** Media type of a message, and its other headers as name, value, name, value … */
export function attributesOf(message: Received): {contentType: string; attributes: string[]} {
  const headers = headersOf(message);
  const attributes: string[] = [];
  let contentType = '';
  for (const name of headers?.keys() ?? []) {
    for (const value of headers?.values(name) ?? []) {
      if (name.toLowerCase() === 'content-type') contentType = value;
      else attributes.push(name, value);
    }
  }
  return {contentType, attributes};
}
