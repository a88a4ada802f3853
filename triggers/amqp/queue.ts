import type {Channel, ChannelModel, ConsumeMessage} from 'amqplib';
import type {ConnectHouse, Connection, Inlet, Lag, Message} from '../../src/messages/message.ts';
import {Acks} from './acks.ts';
import {type Address, goodbyeMs, openConnection, readerOf} from './connection.ts';
import {copyOf} from './copy.ts';
import {attributesOf, factsOf, timesDelivered} from './read.ts';
import {readWhileRoom} from './reading.ts';
import {SpareChannel} from './spare.ts';

export interface AmqpOptions extends Address {
  readonly queue: string;
  /** A queue. */
  readonly deadLetter: string | undefined;
  readonly deadLetterExchange: string | undefined;
  /** True: the queue has a dead letter exchange, so that what is rejected is not lost. */
  readonly rejects: boolean;
  /** True: attempts are limited, so that they have to be counted also where the broker does not. */
  readonly countsItself: boolean;
}

/** Messages beyond `prefetch` with which a broker is not one to go on with: what it hands out is held here. */
const mostBeyond = 1000;

/** A consumer of a queue, with acknowledgements. What it holds unacknowledged goes back to the queue with the connection. */
export async function connectAmqp(options: AmqpOptions, house: ConnectHouse, most: number): Promise<Connection> {
  const {queue} = options;
  const {connection, close} = await openConnection(options, house.clock);
  const gone = new AbortController();
  const lost = Promise.withResolvers<never>();
  lost.promise.catch(() => gone.abort());
  const lose = (error?: Error) => lost.reject(error ?? new Error('the connection was closed'));
  connection.on('error', lose).on('close', lose);
  let channel: Channel;
  try {
    channel = await openChannel(connection, lose);
    await channel.checkQueue(queue); // it is refused now, and not when it is consumed
  } catch (error) {
    await close();
    throw error;
  }
  const [spare, acks] = [new SpareChannel(() => openConnection(options, house.clock)), new Acks(channel, house.clock, most)];
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
      // The client sends the end of the connection at once, before what waits to be sent on a channel: that of the channel is behind it.
      await Promise.race([channel.close().catch(() => {}), house.clock.sleep(goodbyeMs, gone.signal)]);
      await Promise.all([close(), spare.close()]);
    },
  };

  async function consume(inlet: Inlet): Promise<void> {
    const {signal, room, free, take} = inlet;
    readWhileRoom(readerOf(connection), inlet);
    let [prefetch, isOther] = [0, Promise.withResolvers<void>()];
    signal.addEventListener('abort', () => isOther.resolve(), {once: true});
    const onMessage = (given: ConsumeMessage | null) => {
      if (gone.signal.aborted) return; // it goes back with the connection
      if (given && acks.open >= most + mostBeyond) {
        lose(new Error(`the broker hands out more messages than it may: ${most} were allowed, and ${acks.open} are unacknowledged`));
      } else if (given) {
        acks.opened(given);
        void take(messageOf(given));
        const mayCome = prefetch - acks.own;
        if (free() - mayCome > prefetch / 4 || mayCome > 2 * free()) isOther.resolve();
      } else lose(new Error(`the broker has ended the consumer of queue ${queue}`));
    };
    // A broker breaks off who reads nothing for long: so it may send no more than has room. A consumer keeps the number that it began with.
    for (let turn = 1; !signal.aborted; turn++) {
      // Calls of an earlier connection may have every place. What they were called with comes again: so it is asked for as usual.
      const has = await room();
      if (has === 0) return;
      prefetch = turn === 1 ? 1 : has; // the first message says how large they are
      isOther = Promise.withResolvers();
      const consumerTag = `${house.name}-${house.core}-${turn}`; // under the same one, a quorum queue would hand out again what is unacknowledged
      acks.begun(consumerTag);
      await channel.prefetch(prefetch);
      await channel.consume(queue, onMessage, {consumerTag});
      if (!signal.aborted) await isOther.promise;
      await channel.cancel(consumerTag);
    }
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
      gone.signal.throwIfAborted(); // it is delivered again, and put aside then
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
