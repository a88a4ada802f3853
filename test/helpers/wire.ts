import net, {type Socket} from 'node:net';
import {parseReplies, type WireReply} from './strict-http.ts';

/** A connection on which a test says every byte itself. */
export class Wire {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  #chunks: Buffer[] = [];
  #wake = () => {};

  constructor(url: string) {
    const {hostname, port} = new URL(url);
    this.socket = net.connect({host: hostname, port: Number(port), allowHalfOpen: true});
    this.socket.setNoDelay(true);
    this.socket.on('error', () => {});
    this.socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#wake();
    });
    this.closed = new Promise(resolve => {
      const over = () => {
        this.socket.destroy();
        this.#wake();
        resolve();
      };
      this.socket.once('end', over);
      this.socket.once('close', over);
    });
  }

  get received(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  /** Latin-1 text, or bytes; resolves when they have left. */
  write(bytes: string | Buffer): Promise<void> {
    return new Promise(resolve => this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes, () => resolve()));
  }

  /** Waits until so many whole answers are there, or the connection is closed. */
  async replies(count: number, methods: readonly string[] = []): Promise<WireReply[]> {
    for (;;) {
      const known = complete(this.received, methods);
      if (known.length >= count || this.socket.destroyed) return known;
      await new Promise<void>(resolve => {
        this.#wake = resolve;
      });
    }
  }

  /** Everything until the server closed, read strictly. */
  async rest(methods: readonly string[] = []): Promise<WireReply[]> {
    await this.closed;
    return parseReplies(this.received, methods);
  }

  destroy(): void {
    this.socket.destroy();
  }
}

/** The answers there are, while more of the last may still come. */
function complete(wire: Buffer, methods: readonly string[]): WireReply[] {
  try {
    return parseReplies(wire, methods);
  } catch (error) {
    if (!/^a head without|^a body of/.test((error as Error).message)) throw error; // it throws Error only
    return [];
  }
}
