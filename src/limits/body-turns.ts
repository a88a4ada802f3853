import type {Clock} from '../clock.ts';
import {Fault} from '../errors.ts';

/** A smaller body needs no turn. */
export const largeBody = 64 * 2 ** 10;

/** More do not wait: they are refused at once. */
const mostWaiting = 256;
const longestWaitMs = 10_000;
const lookMs = 250;
const tooLarge = 'This body needs more memory than this container has beside the function';

/** The right of one large body to be received and handled. */
export interface Turn {
  readonly bytes: number;
  /** Its call is answered. Doing so again does nothing. */
  release(): void;
}

interface Waiting {
  readonly bytes: number;
  readonly sinceMs: number;
  readonly resolve: (turn: Turn) => void;
  readonly reject: (fault: Fault) => void;
}

/**
Lets large bodies take turns where memory is scarce. On its way through core and function a body is in memory several times:
received, as the event, as the function's text, as its result. Eight at once would fill a small container, so the others
wait, unread, in their connections. One that is alone always has its turn.
*/
export class BodyTurns {
  /** Called again and again while bodies wait: those that come slowly have to make room. */
  onPressed: () => void = () => {};
  /** Whether there is memory now for a body that is larger than all that may have their turn together. It is refused otherwise. */
  hasRoom: (bytes: number) => boolean = () => true;
  readonly #maxBytes: number;
  readonly #largestBytes: () => number;
  readonly #clock: Clock;
  readonly #waiting: Waiting[] = [];
  #takenBytes = 0;

  /**
  @param maxBytes of bodies that have their turn at the same time
  @param largestBytes a larger body does not have its turn; it may become another number, as sub-runtimes start
  */
  constructor(maxBytes: number, largestBytes: () => number, clock: Clock) {
    this.#maxBytes = maxBytes;
    this.#largestBytes = largestBytes;
    this.#clock = clock;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /**
  Waits until it is the turn of a body; first come, first served.

  @throws Fault INFLIGHT_FULL after 10 s; at once when too many wait, or the body is too large for this container
  */
  take(bytes: number): Promise<Turn> {
    if (bytes > this.#largestBytes()) return Promise.reject(new Fault('INFLIGHT_FULL', {message: tooLarge, retryAfterS: 60}));
    if (this.#waiting.length === 0 && this.#fits(bytes))
      return this.#isTooMuch(bytes) ? Promise.reject(noRoom()) : Promise.resolve(this.#open(bytes));
    if (this.#waiting.length >= mostWaiting) return Promise.reject(new Fault('INFLIGHT_FULL', {retryAfterS: 1}));
    return new Promise((resolve, reject) => {
      const waiting = {bytes, sinceMs: this.#clock.monotonic(), resolve, reject};
      if (this.#waiting.push(waiting) === 1) this.#lookLater();
    });
  }

  #fits(bytes: number): boolean {
    return this.#takenBytes === 0 || this.#takenBytes + bytes <= this.#maxBytes;
  }

  #isTooMuch(bytes: number): boolean {
    return bytes > this.#maxBytes && !this.hasRoom(bytes);
  }

  #open(bytes: number): Turn {
    this.#takenBytes += bytes;
    let isReleased = false;
    return {
      bytes,
      release: () => {
        if (isReleased) return;
        isReleased = true;
        this.#takenBytes -= bytes;
        this.#next();
      },
    };
  }

  #next(): void {
    for (let first = this.#waiting[0]; first && this.#fits(first.bytes); first = this.#waiting[0]) {
      this.#waiting.shift();
      if (this.#isTooMuch(first.bytes)) first.reject(noRoom());
      else first.resolve(this.#open(first.bytes));
    }
  }

  #lookLater(): void {
    this.#clock.after(lookMs, () => {
      const now = this.#clock.monotonic();
      for (let first = this.#waiting[0]; first && now - first.sinceMs >= longestWaitMs; first = this.#waiting[0]) {
        this.#waiting.shift();
        first.reject(new Fault('INFLIGHT_FULL', {retryAfterS: 1}));
      }
      this.#next(); // the one behind a large one may be smaller
      if (this.#waiting.length === 0) return;
      this.onPressed();
      this.#lookLater();
    });
  }
}

const noRoom = () => new Fault('INFLIGHT_FULL', {retryAfterS: 1});
