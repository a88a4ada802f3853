import type {Socket} from 'node:net';
import {type ChannelModel, connect, credentials} from 'amqplib';
import type {Clock} from '../../src/clock.ts';
import type {Reader} from './reading.ts';

export interface Address {
  readonly url: string;
  readonly password: string | undefined;
}

export interface Opened {
  readonly connection: ChannelModel;
  /** Resolves when the broker has read what was sent before, or does not say so. Never rejects. */
  close(): Promise<void>;
}

const connectMs = 5000;
/** A broker that has gone without a word is noticed after two of these. */
const heartbeatSeconds = 10;
/** Longest wait for the broker to say that it has read the last acknowledgements. */
export const goodbyeMs = 2000;

/** @throws Error when the broker is away, or refuses */
export async function openConnection(address: Address, clock: Clock): Promise<Opened> {
  const settings = {timeout: connectMs, noDelay: true, keepAlive: true, credentials: credentialsOf(address)};
  const connection = await connect(addressOf(address), settings);
  const gone = new AbortController();
  connection.on('error', () => gone.abort()).on('close', () => gone.abort());
  return {
    connection,
    async close() {
      await Promise.race([connection.close().catch(() => {}), clock.sleep(goodbyeMs, gone.signal)]);
      readerOf(connection).stream.destroy(); // a broker that does not say goodbye might go on sending
    },
  };
}

/** The client does not declare it. */
export const readerOf = ({connection}: ChannelModel) => connection as unknown as Reader & {readonly stream: Socket};

function addressOf({url}: Address): string {
  const address = new URL(url);
  if (!address.searchParams.has('heartbeat')) address.searchParams.set('heartbeat', String(heartbeatSeconds));
  return address.href;
}

function credentialsOf({url, password}: Address) {
  const given = new URL(url);
  const hasName = given.username !== '' || given.password !== '';
  const name = hasName ? decodeURIComponent(given.username) : 'guest';
  return credentials.plain(name, password ?? (hasName ? decodeURIComponent(given.password) : 'guest'));
}
