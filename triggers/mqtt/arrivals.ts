import type {Inlet, Message} from '../../src/messages/message.ts';

/** Most messages that wait for room before the connection is read no further. */
const mostWaiting = 1000;

interface Arrival {
  readonly message: Message;
  /** Lets the connection be read on. */
  readonly next: () => void;
}

/** What has come from a broker that pushes, until there is room for it. */
export class Arrivals {
  #waiting: Arrival[] = [];
  #wake = () => {};

  /** @param next called when the connection may be read on: at once while few wait */
  add(message: Message, next: () => void): void {
    const isFull = this.#waiting.length >= mostWaiting;
    this.#waiting.push({message, next: isFull ? next : () => {}});
    if (!isFull) next();
    this.#wake();
  }

  /** Takes them, in their order, until no further one is wanted. */
  async drain({room, take, signal}: Pick<Inlet, 'room' | 'take' | 'signal'>): Promise<void> {
    signal.addEventListener('abort', () => this.#wake(), {once: true});
    while (!signal.aborted) {
      if (this.#waiting.length === 0) {
        await new Promise<void>(resolve => {
          this.#wake = resolve;
        });
        continue;
      }
      if ((await room()) === 0 || signal.aborted) return;
      const first = this.#waiting.shift();
      if (first) void take(first.message);
      first?.next();
    }
  }
}
