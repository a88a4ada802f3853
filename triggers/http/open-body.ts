import type {IncomingMessage} from 'node:http';
import type {Clock} from '../../src/clock.ts';
import {Fault} from '../../src/errors.ts';
import type {Hold} from '../../src/limits/budget.ts';
import type {BodyTaker, OpenBody} from '../../src/passing.ts';
import {incomplete, tooLarge} from './body.ts';
import type {Connection} from './connection.ts';

export interface OpenBodyOptions {
  readonly maxBytes: number;
  /** What the pieces are charged to that have not been passed on. */
  readonly hold: Hold;
  readonly clock: Clock;
}

/** A client that sends nothing for so long, although more of its body is wanted, is not waited for. */
const silentMs = 30_000;

/** A body that is handed over piece by piece, as fast as it is taken. */
export class IncomingBody implements OpenBody {
  readonly bytes: number | undefined;
  passedBytes = 0;
  readonly #connection: Connection;
  readonly #request: IncomingMessage;
  readonly #options: OpenBodyOptions;
  #taker: BodyTaker | undefined;
  /** When a piece last came, or was passed on. */
  #movedAt = 0;
  #stopTimer = () => {};

  /** @throws Fault BODY_TOO_LARGE by the declared length */
  constructor(connection: Connection, request: IncomingMessage, options: OpenBodyOptions) {
    const declared = request.headers['content-length'];
    this.bytes = declared === undefined ? undefined : Number(declared);
    if (this.bytes !== undefined && this.bytes > options.maxBytes) throw tooLarge(options.maxBytes);
    this.#connection = connection;
    this.#request = request;
    this.#options = options;
  }

  take(taker: BodyTaker): void {
    const request = this.#request;
    const broken = this.#connection.brokenOff(request);
    if (broken || request.destroyed) {
      taker.failed(broken ?? incomplete());
      return;
    }
    this.#taker = taker;
    this.#movedAt = this.#options.clock.monotonic();
    this.#lookIn(silentMs);
    this.#connection.onBreakOff(request, fault => this.#fail(fault));
    request.on('data', this.#piece);
    request.once('end', () => {
      if (!request.complete) this.#fail(incomplete());
      else this.#over()?.end(request.rawTrailers);
    });
    request.once('error', () => this.#fail(incomplete()));
    request.once('close', () => {
      if (!request.readableEnded) this.#fail(incomplete());
    });
  }

  more(): void {
    this.#options.hold.set(0);
    this.#movedAt = this.#options.clock.monotonic();
    if (this.#taker) this.#request.resume();
  }

  drop(): void {
    if (this.#over()) this.#request.pause();
  }

  readonly #piece = (bytes: Buffer): void => {
    const {maxBytes, hold, clock} = this.#options;
    this.passedBytes += bytes.length;
    this.#movedAt = clock.monotonic();
    if (this.passedBytes > maxBytes) this.#fail(tooLarge(maxBytes));
    else if (this.#taker?.piece(bytes) === false) {
      hold.set(hold.bytes + bytes.length);
      this.#request.pause();
    }
  };

  #fail(fault: Fault): void {
    const taker = this.#over();
    this.#request.pause();
    taker?.failed(fault);
  }

  /** Nothing more is handed over. @returns who took it until now */
  #over(): BodyTaker | undefined {
    const taker = this.#taker;
    this.#taker = undefined;
    this.#stopTimer();
    this.#request.off('data', this.#piece);
    this.#options.hold.release();
    return taker;
  }

  #lookIn(ms: number): void {
    this.#stopTimer = this.#options.clock.after(ms, () => {
      const quietMs = this.#request.isPaused() ? 0 : this.#options.clock.monotonic() - this.#movedAt;
      if (quietMs >= silentMs) this.#fail(new Fault('REQUEST_TIMEOUT'));
      else this.#lookIn(silentMs - quietMs);
    });
  }
}
