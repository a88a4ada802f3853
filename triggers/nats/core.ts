import type {Msg, Subscription} from '@nats-io/transport-node';
import type {Connection, Inlet, Message} from '../../src/messages/message.ts';
import {attributesOf, type Connected} from './connect.ts';
import {deadLetterOf} from './dead-letter.ts';

export interface CoreOptions {
  readonly subject: string;
  /** Members of the group share the messages. */
  readonly queue: string;
  readonly deadLetter: string | undefined;
}

/** Messages that wait for room. With more, the subscription rests, and others of the group get what is sent. */
const mostWaiting = {messages: 1000, bytes: 16 * 2 ** 20};

/**
A member of a queue group. NATS itself keeps nothing: what it has sent is forgotten there, so a message is called with once,
and a stop waits for those that have been received.
*/
export async function openCore({client, lost, flush, close}: Connected, options: CoreOptions): Promise<Connection> {
  const {subject, queue, deadLetter} = options;
  const waiting: Msg[] = [];
  let waitingBytes = 0;
  let subscription: Subscription | undefined;
  let hasEnded = false;
  let wake = () => {};
  let drained: Promise<void> | undefined;
  const refused = Promise.withResolvers<never>();
  refused.promise.catch(() => {});
  listen();
  await flush(); // from here on messages come
  return {
    async consume(inlet) {
      if (inlet.signal.aborted) stop();
      else inlet.signal.addEventListener('abort', stop, {once: true});
      drained = drain(inlet);
      try {
        await Promise.race([drained, lost, refused.promise]);
      } finally {
        stop();
      }
    },
    async [Symbol.asyncDispose]() {
      await drained; // what has been received is nowhere else
      await close();
    },
  };

  function stop(): void {
    hasEnded = true;
    if (!client.isClosed()) subscription?.unsubscribe();
    subscription = undefined;
    wake();
  }

  /** Takes what has been received until there is no more, and waits until all of it is over. */
  async function drain({roomAnyway, take}: Inlet): Promise<void> {
    const taken = new Set<Promise<void>>();
    while (waiting.length > 0 || !hasEnded) {
      if (waiting.length === 0) {
        await new Promise<void>(resolve => {
          wake = resolve;
        });
        continue;
      }
      await roomAnyway();
      const message = waiting.shift();
      if (!message) continue;
      waitingBytes -= message.data.length;
      const mine = take(messageOf(message)).finally(() => taken.delete(mine));
      taken.add(mine);
      listen();
    }
    await Promise.all(taken);
  }

  /** The server counts what it sends and stops by itself, so that nothing is on its way that has no room. */
  function listen(): void {
    if (subscription || client.isClosed() || hasEnded) return;
    if (waiting.length > mostWaiting.messages / 2 || waitingBytes > mostWaiting.bytes / 2) return;
    let due = mostWaiting.messages - waiting.length;
    const own = client.subscribe(subject, {
      queue,
      max: due,
      callback(error, message) {
        if (error) return refused.reject(error);
        waiting.push(message);
        waitingBytes += message.data.length;
        if (--due === 0 || waitingBytes >= mostWaiting.bytes) {
          if (!own.isClosed()) own.unsubscribe();
          if (subscription === own) subscription = undefined;
        }
        wake();
      },
    });
    subscription = own;
  }

  function messageOf(message: Msg): Message {
    return {
      key: undefined,
      sentAt: undefined,
      body: Buffer.from(message.data.buffer, message.data.byteOffset, message.data.byteLength),
      ...attributesOf(message),
      facts: {subject: message.subject},
      destination: message.subject,
      mayBeAgain: false,
      isForgotten: true,
      attempts: 1,
      async accept() {},
      async bury(why) {
        if (deadLetter === undefined) return;
        const {headers, data} = deadLetterOf(message, {why}, client.info?.max_payload ?? 2 ** 20);
        client.publish(deadLetter, data, {headers});
        await flush();
      },
    };
  }
}
