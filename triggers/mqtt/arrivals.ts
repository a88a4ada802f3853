import type {Inlet, Message} from '../../src/messages/message.ts';

/** What waits for room before the connection is read no further. */
const mostWaiting = {messages: 1000, bytes: 16 * 2 ** 20};

interface Arrival {
  readonly message: Message;
  /** Lets the connection be read on; absent where it was already. */
  readonly next?: () => void;
}

/** What has come from a broker that pushes, until there is room for it. */
export class Arrivals {
  #waiting: Arrival[] = [];
  #bytes = 0;
  #wake = () => {};

  /** The connection is not read. */
  get isFull(): boolean {
    return this.#waiting.at(-1)?.next !== undefined;
  }

  /** @param next called when the connection may be read on: at once while little waits */
  add(message: Message, next: () => void): void {
    const isFull = this.#waiting.length >= mostWaiting.messages || this.#bytes >= mostWaiting.bytes;
    this.#waiting.push({message, ...(isFull && {next})});
    this.#bytes += message.body.length;
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
      if (!first) continue;
      this.#bytes -= first.message.body.length;
      void take(first.message);
      first.next?.();
    }
  }
}
