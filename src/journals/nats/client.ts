import {createInbox, headers, type Msg, type NatsConnection} from '@nats-io/transport-node';
import {changesOf} from './alive.ts';
import {Asked} from './asked.ts';
import {Away, type Fields, type Message, type Transport} from './transport.ts';

/** Shorter than an election, as whoever asks tries again under the same name. */
const answerMs = 2000;

/** Connects to one of these servers; by default, to one of all. */
export type Connect = (servers?: readonly string[]) => Promise<NatsConnection>;

/** What is heard, on whichever connection there is. */
interface Hearing {
  readonly subject: string;
  readonly hear: (message: Message) => void;
  stop(): void;
}

/** A connection of the client. */
export class NatsTransport implements Transport {
  isConnected = true;
  readonly #connect: Connect;
  readonly #servers: readonly string[];
  readonly #asked = new Asked(createInbox());
  readonly #hearing = new Set<Hearing>();
  #connection: NatsConnection;
  #tell: (isConnected: boolean) => void = () => {};
  readonly #breaks: (() => void)[] = [];

  /** @param connection to one of all servers */
  constructor(connection: NatsConnection, connect: Connect) {
    this.#connection = connection;
    this.#connect = connect;
    this.#servers = connection.getServers().map(({listen}) => listen);
    this.subscribe(this.#asked.subject, message => this.#asked.answered(message));
    void this.#watch(connection);
  }

  get mostBytes(): number {
    return this.#connection.info?.max_payload ?? 2 ** 20;
  }

  get server() {
    const {info} = this.#connection;
    const level = info && 'api_lvl' in info ? Number(info.api_lvl) : 0;
    const hasJetStream = info?.jetstream === true || info?.cluster !== undefined; // another one of its cluster may have it
    return {name: info?.server_name ?? '', version: info?.version ?? '', level, peers: info?.connect_urls?.length ?? 1, hasJetStream};
  }

  async request(subject: string, body: string | Uint8Array, fields?: Fields, ms = answerMs): Promise<Message> {
    const [message] = await this.#asked.ask(
      ms,
      () => true,
      reply => this.#send(subject, body, fields, reply),
    );
    if (!message || message.code === 503) throw new Away('No server serves it now');
    return message;
  }

  publish(subject: string, body: string | Uint8Array, fields?: Fields): void {
    try {
      this.#send(subject, body, fields);
    } catch (cause) {
      throw cause instanceof Away ? cause : new Away('The connection is closed', {cause});
    }
  }

  async gather(subject: string, body: string): Promise<readonly Message[]> {
    const messages = await this.#asked.ask(
      answerMs,
      ({code}) => code !== 0,
      reply => this.#send(subject, body, undefined, reply),
    );
    if (messages.at(-1)?.code === 503) throw new Away('No server serves it now');
    return messages;
  }

  subscribe(subject: string, hear: (message: Message) => void): () => void {
    const hearing = {subject, hear, stop: hearingOn(this.#connection, subject, hear)};
    this.#hearing.add(hearing);
    return () => {
      this.#hearing.delete(hearing);
      hearing.stop();
    };
  }

  onChange(tell: (isConnected: boolean) => void): void {
    this.#tell = tell;
  }

  onBreak(tell: () => void): void {
    this.#breaks.push(tell);
  }

  async change(proves: (request: Transport['request']) => Promise<boolean>): Promise<boolean> {
    const others = this.#servers.filter(server => server !== this.#connection.getServer());
    // One name may be that of several servers.
    const tried = (others.length > 0 ? others : this.#servers).map(server => this.#tryAt(server, proves));
    const found = await Promise.any(tried).catch(() => undefined);
    const isWanted = found !== undefined && !this.#connection.isClosed();
    for (const trying of tried) {
      trying.then(
        other => (isWanted && other === found ? undefined : other.close()),
        () => {},
      );
    }
    if (isWanted) this.#goOnAt(found);
    return isWanted;
  }

  async close(): Promise<void> {
    this.#asked.lost('The connection is closed');
    await this.#connection.close();
  }

  /** @throws Error when no server is there, or it does not prove itself */
  async #tryAt(server: string, proves: (request: Transport['request']) => Promise<boolean>): Promise<NatsConnection> {
    const other = await this.#connect([server]);
    const request: Transport['request'] = async (subject, body, fields, timeout = answerMs) =>
      received(await other.request(subject, body, {timeout, ...(fields && {headers: written(fields)})}));
    try {
      if (other.info?.server_id !== this.#connection.info?.server_id && (await proves(request))) return other;
    } catch (error) {
      await other.close();
      throw error;
    }
    await other.close();
    throw new Away('It keeps nothing');
  }

  /** What was heard is heard here; what was asked is to be asked again. */
  #goOnAt(connection: NatsConnection): void {
    const left = this.#connection;
    connection.setServers([...this.#servers]);
    this.#connection = connection;
    for (const hearing of this.#hearing) hearing.stop = hearingOn(connection, hearing.subject, hearing.hear);
    void this.#watch(connection);
    this.#asked.lost('The server was left');
    if (this.isConnected) this.#broke();
    else this.#changed(true);
    void left.close();
  }

  /** The client would keep what is sent until the servers are back: whoever sends tries again, and would send it twice. */
  #send(subject: string, body: string | Uint8Array, fields: Fields | undefined, reply?: string): void {
    if (!this.isConnected) throw new Away('The servers are away');
    this.#connection.publish(subject, body, {...(reply && {reply}), ...(fields && {headers: written(fields)})});
  }

  async #watch(connection: NatsConnection): Promise<void> {
    for await (const isConnected of changesOf(connection)) {
      if (connection === this.#connection) this.#changed(isConnected);
    }
  }

  #changed(isConnected: boolean): void {
    const wasConnected = this.isConnected;
    this.isConnected = isConnected;
    if (!isConnected) this.#asked.lost('The connection is lost');
    if (wasConnected === isConnected) return;
    this.#tell(isConnected);
    if (isConnected) this.#broke();
  }

  #broke(): void {
    for (const tell of this.#breaks) tell();
  }
}

/** @returns ends it */
function hearingOn(connection: NatsConnection, subject: string, hear: (message: Message) => void): () => void {
  const subscription = connection.subscribe(subject, {
    callback: (error, message) => {
      if (!error) hear(received(message));
    },
  });
  return () => {
    if (!connection.isClosed()) subscription.unsubscribe();
  };
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
