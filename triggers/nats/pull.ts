import {createInbox, type Msg, type NatsConnection, type Subscription} from '@nats-io/transport-node';
import type {Clock} from '../../src/clock.ts';

/** Longest wait of a pull for messages, by the server. */
const pullMs = 1000;
/** How much longer the answer to a pull may take. */
const lateMs = 4000;

interface Open {
  readonly subject: string;
  readonly batch: number;
  left: number;
  readonly over: PromiseWithResolvers<PullEnd>;
}

/** Why a pull brings nothing more. `tooLarge`: the next message alone is larger than all that was asked for. */
export type PullEnd = 'full' | 'late' | 'tooLarge';

/**
Asks a pull consumer of JetStream for messages, one request after another over one subscription: the client makes a subscription
and timers for each, which costs as much as several messages, and knows no limit of both messages and bytes.
*/
export class Pulls {
  readonly #client: NatsConnection;
  readonly #clock: Clock;
  /** Where requests go. */
  readonly #to: string;
  /** It may throw for what is no message. */
  readonly #take: (message: Msg) => void;
  readonly #inbox = createInbox();
  readonly #subscription: Subscription;
  #count = 0;
  #open: Open | undefined;

  constructor(client: NatsConnection, clock: Clock, {stream, consumer}: {stream: string; consumer: string}, take: (message: Msg) => void) {
    this.#client = client;
    this.#clock = clock;
    this.#to = `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`;
    this.#take = take;
    const callback = (error: Error | null, message: Msg) => {
      if (error) this.#open?.over.reject(error);
      else this.#received(message);
    };
    this.#subscription = client.subscribe(`${this.#inbox}.*`, {callback});
  }

  /**
  Takes up to so many messages, and ends when they have come, or none has for a while.

  @param mostBytes of all of them; undefined for as many as they have
  @throws Error when the server refuses, or does not answer
  */
  async pull(batch: number, mostBytes: number | undefined): Promise<PullEnd> {
    const open: Open = {subject: `${this.#inbox}.${++this.#count}`, batch, left: batch, over: Promise.withResolvers()};
    this.#open = open;
    const stopTimer = this.#clock.after(pullMs + lateMs, () => open.over.reject(new Error('the server does not answer')));
    const request = {batch, expires: pullMs * 1_000_000, ...(mostBytes !== undefined && {max_bytes: mostBytes})};
    try {
      this.#client.publish(this.#to, JSON.stringify(request), {reply: open.subject});
      return await open.over.promise;
    } finally {
      stopTimer();
      this.#open = undefined;
    }
  }

  close(): void {
    if (!this.#client.isClosed()) this.#subscription.unsubscribe();
  }

  /** What the server says of a pull comes to the subject of the pull, and a message with its own subject. */
  #received(message: Msg): void {
    if (!message.subject.startsWith(this.#inbox)) {
      try {
        this.#take(message);
      } catch (error) {
        this.#open?.over.reject(error);
      }
      if (this.#open && --this.#open.left === 0) this.#open.over.resolve('full');
    } else if (message.subject === this.#open?.subject) this.#told(this.#open, message);
  }

  #told({batch, left, over}: Open, {headers}: Msg): void {
    const {code = 0, description = ''} = headers ?? {};
    if (code === 100) return; // it is alive
    if (code === 404 || code === 408) over.resolve('late');
    else if (code === 409 && /exceeds maxbytes/i.test(description)) over.resolve(left === batch ? 'tooLarge' : 'full');
    else over.reject(new Error(`the server refuses to hand out messages: ${code} ${description}`.trimEnd()));
  }
}
