import {createInbox, headers, type Msg, type NatsConnection} from '@nats-io/transport-node';
import {systemClock} from '../../clock.ts';

/** What a message has besides its body. */
export type Fields = Readonly<Record<string, string>>;

/** A message that came. */
export interface Message {
  readonly subject: string;
  readonly reply: string;
  /** Of the server's own messages: 204, 404 …; 0 for any other. */
  readonly code: number;
  field(name: string): string;
  readonly body: Uint8Array;
}

/** The connection to the servers. A test puts one of its own in between. */
export interface Transport {
  /** The largest message, in bytes. */
  readonly mostBytes: number;
  readonly isConnected: boolean;
  /** As the server says that it answered. */
  readonly server: {readonly version: string; readonly level: number; readonly peers: number; readonly hasJetStream: boolean};
  /** Sends, and waits for the answer. @param ms how long @throws Away */
  request(subject: string, body: string | Uint8Array, fields?: Fields, ms?: number): Promise<Message>;
  /** Sends, and waits for nothing. */
  publish(subject: string, body: string | Uint8Array, fields?: Fields): void;
  /** Sends, and gathers messages until the server's own says that there are no more; that is the last one. @throws Away */
  gather(subject: string, body: string): Promise<readonly Message[]>;
  /** @returns ends it */
  subscribe(subject: string, hear: (message: Message) => void): () => void;
  /** Called when the servers are away, and when they are back. */
  onChange(tell: (isConnected: boolean) => void): void;
  close(): Promise<void>;
}

/** No server answered: what was asked for may have been done all the same. */
export class Away extends Error {
  static {
    Away.prototype.name = 'Away';
  }
}

/** True when a server may be there, and did not answer in time. */
export const wasLate = (error: unknown) => error instanceof Away && error.cause instanceof Error && error.cause.name === 'TimeoutError';

/** Shorter than an election, as whoever asks tries again under the same name. */
const answerMs = 2000;

/** A connection of the client. */
export class NatsTransport implements Transport {
  isConnected = true;
  readonly #connection: NatsConnection;
  readonly #inbox = createInbox();
  /** Those who gather, by the last part of their inboxes. */
  readonly #gathering = new Map<string, (message: Message | Away) => void>();
  #next = 1;
  #tell: (isConnected: boolean) => void = () => {};

  constructor(connection: NatsConnection) {
    this.#connection = connection;
    this.subscribe(`${this.#inbox}.*`, message => {
      this.#gathering.get(message.subject.slice(this.#inbox.length + 1))?.(message);
    });
    void this.#watch();
  }

  get mostBytes(): number {
    return this.#connection.info?.max_payload ?? 2 ** 20;
  }

  get server() {
    const {info} = this.#connection;
    const level = info && 'api_lvl' in info ? Number(info.api_lvl) : 0;
    const hasJetStream = info?.jetstream === true || info?.cluster !== undefined; // another one of its cluster may have it
    return {version: info?.version ?? '', level, peers: info?.connect_urls?.length ?? 1, hasJetStream};
  }

  async request(subject: string, body: string | Uint8Array, fields?: Fields, timeout = answerMs): Promise<Message> {
    this.#refuseAway();
    try {
      return received(await this.#connection.request(subject, body, {timeout, ...(fields && {headers: written(fields)})}));
    } catch (cause) {
      throw new Away('No server answered', {cause});
    }
  }

  publish(subject: string, body: string | Uint8Array, fields?: Fields): void {
    this.#refuseAway();
    try {
      this.#connection.publish(subject, body, fields && {headers: written(fields)});
    } catch (cause) {
      throw new Away('The connection is closed', {cause});
    }
  }

  async gather(subject: string, body: string): Promise<readonly Message[]> {
    this.#refuseAway();
    const key = String(this.#next++);
    const messages: Message[] = [];
    const {promise, resolve, reject} = Promise.withResolvers<void>();
    const stopTimer = systemClock.after(answerMs, () => reject(new Away('No server answered in time')));
    this.#gathering.set(key, message => {
      if (message instanceof Away) return reject(message);
      messages.push(message);
      if (message.code === 503) reject(new Away('No server serves it now'));
      else if (message.code !== 0) resolve();
    });
    try {
      this.#connection.publish(subject, body, {reply: `${this.#inbox}.${key}`});
      await promise;
      return messages;
    } catch (error) {
      throw error instanceof Away ? error : new Away('The connection is closed', {cause: error});
    } finally {
      stopTimer();
      this.#gathering.delete(key);
    }
  }

  subscribe(subject: string, hear: (message: Message) => void): () => void {
    const subscription = this.#connection.subscribe(subject, {
      callback: (error, message) => {
        if (!error) hear(received(message));
      },
    });
    return () => {
      if (!this.#connection.isClosed()) subscription.unsubscribe();
    };
  }

  onChange(tell: (isConnected: boolean) => void): void {
    this.#tell = tell;
  }

  async close(): Promise<void> {
    for (const hear of [...this.#gathering.values()]) hear(new Away('The connection is closed'));
    await this.#connection.close();
  }

  /** The client would keep what is sent until the servers are back: whoever sends tries again, and would send it twice. */
  #refuseAway(): void {
    if (!this.isConnected) throw new Away('The servers are away');
  }

  async #watch(): Promise<void> {
    for await (const {type} of this.#connection.status()) {
      if (type === 'disconnect') this.#changed(false);
      if (type === 'reconnect') this.#changed(true);
    }
    this.#changed(false);
  }

  #changed(isConnected: boolean): void {
    if (this.isConnected !== isConnected) this.#tell(isConnected);
    this.isConnected = isConnected;
  }
}

function written(fields: Fields) {
  const list = headers();
  for (const [name, value] of Object.entries(fields)) list.set(name, value);
  return list;
}

function received(message: Msg): Message {
  return {
    subject: message.subject,
    reply: message.reply ?? '',
    code: message.headers?.code ?? 0,
    field: name => message.headers?.get(name) ?? '',
    body: message.data,
  };
}
