import type {Channel, ConsumeMessage} from 'amqplib';
import {atTurnEnd, type Clock} from '../../src/clock.ts';

/** Longest time that an acknowledgement waits for others: a frame for each costs the broker and the core more than what is in it. */
const lingerMs = 5;
/** They leave earlier when this part of what may be unacknowledged waits, so that the broker always has something to hand out. */
const lingerPart = 1 / 4;

/**
Acknowledges many messages with one frame. A broker numbers what it hands out, and takes one number as the acknowledgement of
all up to it; so what is done and has an open one before it is acknowledged by itself.
*/
export class Acks {
  readonly #channel: Pick<Channel, 'ack'>;
  readonly #clock: Clock;
  readonly #most: number;
  /** What was handed out and not acknowledged, in the order of the numbers. */
  readonly #open = new Map<number, {readonly message: ConsumeMessage; isDone: boolean}>();
  /** The consumer that messages come to now, and how many of its own are unacknowledged. */
  #consumer = '';
  #own = 0;
  #done = 0;
  #isLost = false;
  #isDue = false;
  #stopLinger: (() => void) | undefined;

  /** @param most messages that may be unacknowledged */
  constructor(channel: Pick<Channel, 'ack'>, clock: Clock, most: number) {
    this.#channel = channel;
    this.#clock = clock;
    this.#most = Math.max(1, Math.floor(most * lingerPart));
  }

  /** Messages that were handed out and not acknowledged. */
  get open(): number {
    return this.#open.size;
  }

  /** The same, of the consumer that `begun` named. */
  get own(): number {
    return this.#own;
  }

  /** Messages come to another consumer from now on. */
  begun(consumer: string): void {
    this.#consumer = consumer;
    this.#own = 0;
  }

  opened(message: ConsumeMessage): void {
    this.#open.set(message.fields.deliveryTag, {message, isDone: false});
    if (message.fields.consumerTag === this.#consumer) this.#own++;
  }

  /** It went back, or was rejected. */
  closed(message: ConsumeMessage): void {
    this.#forget(message);
    this.#flushSoon();
  }

  /** @throws Error when the connection is lost: the broker delivers it again */
  done({fields}: ConsumeMessage): void {
    if (this.#isLost) throw new Error('the connection is lost');
    const mine = this.#open.get(fields.deliveryTag);
    if (!mine || mine.isDone) return;
    mine.isDone = true;
    this.#done++;
    this.#flushSoon();
  }

  /** The broker delivers again what it was not told. */
  lost(): void {
    this.#isLost = true;
    this.#open.clear();
    this.#done = 0;
    this.#stopLinger?.();
  }

  /** Sends what waits, now. */
  flush(): void {
    this.#isDue = false;
    this.#stopLinger?.();
    this.#stopLinger = undefined;
    if (this.#done === 0) return;
    this.#done = 0;
    try {
      this.#send();
    } catch {
      this.lost(); // the channel is closed, and whoever uses it is told so
    }
  }

  #send(): void {
    let last: ConsumeMessage | undefined;
    let isBehindOpen = false;
    for (const {message, isDone} of this.#open.values()) {
      isBehindOpen ||= !isDone;
      if (!isDone) continue;
      this.#forget(message);
      if (isBehindOpen) this.#channel.ack(message);
      else last = message;
    }
    if (last) this.#channel.ack(last, true);
  }

  #forget({fields}: ConsumeMessage): void {
    if (this.#open.delete(fields.deliveryTag) && fields.consumerTag === this.#consumer) this.#own--;
  }

  /** At the end of the turn when enough wait, or nothing else is worked on; else a little later. */
  #flushSoon(): void {
    if (this.#done === 0 || this.#isDue) return;
    if (this.#done >= this.#most || this.#done === this.#open.size) {
      this.#isDue = true;
      atTurnEnd(() => this.flush());
    } else this.#stopLinger ??= this.#clock.after(lingerMs, () => this.flush());
  }
}
