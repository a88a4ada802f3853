import type {Socket} from 'node:net';
import {connect, type IClientOptions, type IPublishPacket} from 'mqtt';
import type {ConnectHouse, Connection, Inlet, Message} from '../../src/messages/message.ts';
import {Acks} from './acks.ts';
import {Arrivals} from './arrivals.ts';
import {deadLetterSender} from './dead-letter.ts';
import {attributesOf, factsOf, idOf} from './read.ts';

export interface MqttOptions {
  readonly url: string;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly version: '5' | '3.1.1';
  /** Names the session, which the broker keeps while nobody is connected. */
  readonly clientId: string;
  /** Topic filters. */
  readonly topics: readonly string[];
  /** Of a shared subscription. */
  readonly group: string | undefined;
  readonly order: 'topic' | 'none';
  /** How long the broker keeps the session (MQTT 5; before, as long as it wants). */
  readonly sessionMs: number;
  /** The user property that names a message. */
  readonly idProperty: string;
  /** A topic. */
  readonly deadLetter: string | undefined;
}

const connectMs = 5000;
const keepAliveSeconds = 15;
/** How often the broker hears of a client that does not read. */
const signOfLifeMs = 5000;
/** Longest wait for the broker to take the goodbye. */
const goodbyeMs = 2000;
/** One for all messages, as each error that is made notes the stack. */
const notYet = new Error('Not yet');

/** A subscription in a session that the broker keeps. What is not acknowledged it delivers again to the next connection, and not before. */
export async function connectMqtt(options: MqttOptions, house: ConnectHouse, most: number): Promise<Connection> {
  const {deadLetter, topics, group, version} = options;
  const client = connect(settingsOf(options, most));
  const [acks, arrivals, gone, lost] = [new Acks(), new Arrivals(), new AbortController(), Promise.withResolvers<never>()];
  lost.promise.catch(() => gone.abort());
  client.handleMessage = (packet, callback) => {
    if (packet.qos === 0) return arrivals.add(messageOf(packet, undefined), () => callback());
    const done = acks.add(() => callback()); // acknowledges it
    arrivals.add(messageOf(packet, done), () => callback(notYet)); // reads on, and acknowledges nothing
  };
  client
    .on('error', lost.reject)
    .on('disconnect', ({reasonCode}) => lost.reject(new Error(reasonOf(reasonCode))))
    .on('close', () => lost.reject(new Error('the connection was closed')));
  const bury = deadLetter === undefined ? undefined : deadLetterSender(client, deadLetter, lost.promise);
  const connected = new Promise<void>(resolve => client.once('connect', () => resolve()));
  try {
    await Promise.race([connected, lost.promise]);
    // Else an acknowledgement waits until the broker's machine has confirmed the one before it: up to 40 ms.
    (client.stream as unknown as Socket).setNoDelay(true); // with mqtt:// and mqtts:// it is a socket
    await Promise.race([subscribe(), lost.promise]);
  } catch (error) {
    client.end(true);
    throw error;
  }

  void stayAlive();
  return {
    async consume(inlet: Inlet) {
      const signal = AbortSignal.any([inlet.signal, gone.signal]);
      await Promise.race([arrivals.drain({...inlet, signal}), lost.promise]);
    },

    async leave() {
      client.end(true); // the next connection has the same name
    },

    async [Symbol.asyncDispose]() {
      if (client.connected) await Promise.race([client.endAsync().catch(() => {}), house.clock.sleep(goodbyeMs, gone.signal)]);
      client.end(true);
    },
  };

  /** While nothing is read, the client does not see that the broker answers, and would take it for gone. */
  async function stayAlive(): Promise<void> {
    while (await house.clock.sleep(signOfLifeMs, gone.signal)) {
      if (!arrivals.isFull) continue;
      client.sendPing();
      client.reschedulePing(true);
    }
  }

  async function subscribe(): Promise<void> {
    const filters = topics.map(topic => (group === undefined ? topic : `$share/${group}/${topic}`));
    // Messages that the broker retains come once, and not with every connection.
    const granted = await client.subscribeAsync([...filters], {qos: 1, ...(version === '5' && {rh: 1})});
    const refused = granted.find(({qos}) => qos === 128);
    if (refused) throw new Error(`the broker has refused the subscription of ${refused.topic}`);
  }

  /** @param done acknowledges it; undefined for one that the broker has forgotten */
  function messageOf(packet: IPublishPacket, done: (() => void) | undefined): Message {
    const {topic, payload, properties = {}} = packet;
    const id = idOf(properties, options.idProperty);
    return {
      key: id === undefined ? undefined : `${topic}/${id}`,
      // The broker sends it with the same number over the next connection, as it is not acknowledged.
      ...(done && {handle: String(packet.messageId)}),
      sentAt: undefined,
      body: Buffer.from(payload),
      contentType: properties.contentType ?? '',
      attributes: attributesOf(properties),
      facts: factsOf(packet),
      destination: topic,
      mayBeAgain: true,
      isFresh: packet.dup === false,
      ...(options.order === 'topic' && {lane: topic}),
      ...(done === undefined && {isForgotten: true}),
      async accept() {
        if (!client.connected) throw new Error('the connection is lost');
        done?.();
      },
      ...(bury && {
        async bury(why: string) {
          await bury(packet, why);
          done?.();
        },
      }),
    };
  }
}

function settingsOf({url, user, password, version, clientId, sessionMs}: MqttOptions, most: number): IClientOptions {
  const {protocol, hostname, port} = new URL(url);
  return {
    protocol: protocol === 'mqtts:' ? 'mqtts' : 'mqtt',
    host: hostname.replaceAll(/^\[|\]$/g, ''),
    port: port === '' ? (protocol === 'mqtts:' ? 8883 : 1883) : Number(port),
    ...(user !== undefined && {username: user}),
    ...(password !== undefined && {password}),
    clientId,
    clean: false,
    reconnectPeriod: 0, // whoever uses the connection makes another
    resubscribe: false,
    connectTimeout: connectMs,
    keepalive: keepAliveSeconds,
    protocolVersion: version === '5' ? 5 : 4,
    ...(version === '5' && {
      properties: {sessionExpiryInterval: Math.ceil(sessionMs / 1000), receiveMaximum: Math.min(65_535, most)},
    }),
  };
}

function reasonOf(code: number | undefined): string {
  if (code === 142) return 'another client has connected with the same `clientId`';
  return `the broker has ended the connection, with reason ${code ?? 'unknown'}`;
}
