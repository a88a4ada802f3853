import type {Socket} from 'node:net';
import {type Channel, type ChannelModel, type ConsumeMessage, connect, credentials} from 'amqplib';
import type {ConnectHouse, Connection, Inlet, Lag, Message} from '../../src/messages/message.ts';
import {Acks} from './acks.ts';
import {copyOf} from './copy.ts';
import {attributesOf, factsOf, timesDelivered} from './read.ts';
import {SpareChannel} from './spare.ts';

export interface AmqpOptions {
  readonly url: string;
  readonly password: string | undefined;
  readonly queue: string;
  /** A queue. */
  readonly deadLetter: string | undefined;
  readonly deadLetterExchange: string | undefined;
  /** True: the queue has a dead letter exchange, so that what is rejected is not lost. */
  readonly rejects: boolean;
  /** True: attempts are limited, so that they have to be counted also where the broker does not. */
  readonly countsItself: boolean;
}

const connectMs = 5000;
/** A broker that has gone without a word is noticed after two of these. */
const heartbeatSeconds = 10;
/** Messages beyond `prefetch` with which a broker is not one to go on with: what it hands out is held here. */
const mostBeyond = 1000;
/** Longest wait for the broker to say that it has read the last acknowledgements. */
const goodbyeMs = 2000;

/** A consumer of a queue, with acknowledgements. What it holds unacknowledged goes back to the queue with the connection. */
export async function connectAmqp(options: AmqpOptions, house: ConnectHouse, most: number): Promise<Connection> {
  const {queue} = options;
  const settings = {timeout: connectMs, noDelay: true, keepAlive: true, credentials: credentialsOf(options)};
  const connection = await connect(addressOf(options), settings);
  const gone = new AbortController();
  const lost = Promise.withResolvers<never>();
  lost.promise.catch(() => gone.abort());
  const lose = (error?: Error) => lost.reject(error ?? new Error('the connection was closed'));
  connection.on('error', lose).on('close', lose);
  const close = async () => {
    await Promise.race([connection.close().catch(() => {}), house.clock.sleep(goodbyeMs, gone.signal)]);
    socketOf(connection).destroy(); // a broker that does not say goodbye might go on sending
  };
  let channel: Channel;
  try {
    channel = await openChannel(connection, lose);
    await channel.checkQueue(queue); // it is refused now, and not when it is consumed
  } catch (error) {
    await close();
    throw error;
  }
  const [spare, acks] = [new SpareChannel(connection), new Acks(channel, house.clock, most)];
  gone.signal.addEventListener('abort', () => acks.lost());
  channel.on('close', () => acks.lost());
  let closing = gone.signal;

  return {
    async consume(inlet) {
      closing = AbortSignal.any([inlet.signal, gone.signal]);
      await Promise.race([consume(inlet), lost.promise]);
    },

    async lag(): Promise<Lag> {
      return spare.use(async beside => ({count: (await beside.checkQueue(queue)).messageCount}));
    },

    async [Symbol.asyncDispose]() {
      acks.flush();
      await close();
    },
  };

  async function consume({signal, take}: Inlet): Promise<void> {
    await channel.prefetch(most);
    const onMessage = (given: ConsumeMessage | null) => {
      if (given && acks.open >= most + mostBeyond) {
        lose(new Error(`the broker hands out more messages than it may: ${most} were allowed, and ${acks.open} are unacknowledged`));
      } else if (given) {
        acks.opened(given);
        void take(messageOf(given));
      } else lose(new Error(`the broker has ended the consumer of queue ${queue}`));
    };
    const {consumerTag} = await channel.consume(queue, onMessage, {consumerTag: `${house.name}-${house.core}`});
    await new Promise<void>(resolve => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), {once: true});
    });
    await channel.cancel(consumerTag);
  }

  function messageOf(given: ConsumeMessage): Message {
    const {properties, fields, content} = given;
    const id = String(properties.messageId ?? '');
    const times = timesDelivered(given);
    const giveBack = async (afterMs: number) => {
      await house.clock.sleep(afterMs, closing); // the broker has no delay of its own
      channel.nack(given, false, true);
      acks.closed(given);
    };
    const bury = buryOf(given);
    return {
      key: id === '' ? undefined : `${queue}/${id}`,
      sentAt: undefined, // the sender's clock says so, and may say something else when it sends again
      body: content,
      contentType: String(properties.contentType ?? ''),
      attributes: attributesOf(properties),
      facts: {queue, ...factsOf(given)},
      destination: queue,
      attempt: times,
      mayBeAgain: id !== '',
      isFresh: !fields.redelivered,
      async accept() {
        acks.done(given);
      },
      // Without a count or an id, nobody would know how often it has failed: it is tried again here.
      ...((id !== '' || !options.countsItself || (times ?? 0) > 1) && {giveBack}),
      ...(bury && {bury}),
    };
  }

  function buryOf(given: ConsumeMessage): Message['bury'] {
    if (options.rejects) {
      return async () => {
        channel.nack(given, false, false);
        acks.closed(given);
      };
    }
    if (options.deadLetter === undefined && options.deadLetterExchange === undefined) return undefined;
    const exchange = options.deadLetterExchange ?? '';
    const routingKey = options.deadLetter ?? given.fields.routingKey;
    return async why => {
      await spare.publish(exchange, routingKey, given.content, copyOf(given, {'core-reason': why, 'core-queue': queue}));
      acks.done(given);
    };
  }
}

async function openChannel(connection: ChannelModel, lose: (error?: Error) => void): Promise<Channel> {
  const channel = await connection.createChannel();
  channel.on('error', lose).on('close', () => lose(new Error('the channel was closed')));
  return channel;
}

/** The client does not declare it. */
const socketOf = ({connection}: ChannelModel) => (connection as unknown as {readonly stream: Socket}).stream;

function addressOf({url}: AmqpOptions): string {
  const address = new URL(url);
  if (!address.searchParams.has('heartbeat')) address.searchParams.set('heartbeat', String(heartbeatSeconds));
  return address.href;
}

function credentialsOf({url, password}: AmqpOptions) {
  const given = new URL(url);
  const hasName = given.username !== '' || given.password !== '';
  const name = hasName ? decodeURIComponent(given.username) : 'guest';
  return credentials.plain(name, password ?? (hasName ? decodeURIComponent(given.password) : 'guest'));
}
