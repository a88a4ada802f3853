import type {ChannelModel, ConfirmChannel, Options} from 'amqplib';

/** A channel beside that of the consumer, opened when it is needed: an error closes only this one, and the next use opens another. */
export class SpareChannel {
  readonly #connection: ChannelModel;
  #channel: Promise<ConfirmChannel> | undefined;
  /** What is sent goes one after the other, so that what comes back belongs to the last. */
  #last: Promise<unknown> = Promise.resolve();
  #cameBack = false;

  constructor(connection: ChannelModel) {
    this.#connection = connection;
  }

  async use<T>(act: (channel: ConfirmChannel) => Promise<T>): Promise<T> {
    this.#channel ??= this.#open();
    return act(await this.#channel);
  }

  /** Resolves when the broker has put it into a queue. @throws Error when no queue takes it, or the broker refuses */
  publish(exchange: string, routingKey: string, content: Buffer, options: Options.Publish): Promise<void> {
    const sent = this.#last.then(() => this.use(channel => this.#send(channel, exchange, routingKey, content, options)));
    this.#last = sent.catch(() => {});
    return sent;
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

  async #open(): Promise<ConfirmChannel> {
    try {
      const channel = await this.#connection.createConfirmChannel();
      const forget = () => {
        this.#channel = undefined;
      };
      channel
        .on('error', forget)
        .on('close', forget)
        .on('return', () => {
          this.#cameBack = true;
        });
      return channel;
    } catch (error) {
      this.#channel = undefined;
      throw error;
    }
  }
}
