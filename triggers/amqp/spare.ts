import type {ConfirmChannel, Options} from 'amqplib';
import type {Opened} from './connection.ts';

interface Spare extends Opened {
  readonly channel: ConfirmChannel;
}

/**
A channel on a connection of its own, opened when it is needed: an error closes only this one, and the next use opens another. That of
the consumer is not read while there is no room, so that nobody who holds a message may wait for an answer there.
*/
export class SpareChannel {
  readonly #connect: () => Promise<Opened>;
  #opened: Promise<Spare> | undefined;
  #isClosed = false;
  /** What is sent goes one after the other, so that what comes back belongs to the last. */
  #last: Promise<unknown> = Promise.resolve();
  #cameBack = false;

  constructor(connect: () => Promise<Opened>) {
    this.#connect = connect;
  }

  async use<T>(act: (channel: ConfirmChannel) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new Error('the connection was closed');
    this.#opened ??= this.#open();
    return act((await this.#opened).channel);
  }

  /** Resolves when the broker has put it into a queue. @throws Error when no queue takes it, or the broker refuses */
  publish(exchange: string, routingKey: string, content: Buffer, options: Options.Publish): Promise<void> {
    const sent = this.#last.then(() => this.use(channel => this.#send(channel, exchange, routingKey, content, options)));
    this.#last = sent.catch(() => {});
    return sent;
  }

  /** Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const opened = await this.#opened?.catch(() => undefined);
    await opened?.close();
  }

  async #send(channel: ConfirmChannel, exchange: string, routingKey: string, content: Buffer, options: Options.Publish): Promise<void> {
    this.#cameBack = false;
    await new Promise<void>((resolve, reject) => {
      channel.publish(exchange, routingKey, content, {...options, mandatory: true, persistent: true}, error => {
        if (error) reject(error instanceof Error ? error : new Error('the broker has refused it'));
        else resolve();
      });
    });
    if (this.#cameBack) throw new Error(`no queue takes messages of exchange "${exchange}" with routing key "${routingKey}"`);
  }

  #open(): Promise<Spare> {
    const spare: Promise<Spare> = this.#connect().then(async opened => {
      const forget = () => {
        if (this.#opened === spare) this.#opened = undefined;
        void opened.close();
      };
      try {
        const channel = await opened.connection.createConfirmChannel();
        channel
          .on('error', () => {}) // it is closed, too
          .on('close', forget)
          .on('return', () => {
            this.#cameBack = true;
          });
        return {...opened, channel};
      } catch (error) {
        forget();
        throw error;
      }
    });
    spare.catch(() => {
      if (this.#opened === spare) this.#opened = undefined;
    });
    return spare;
  }
}
