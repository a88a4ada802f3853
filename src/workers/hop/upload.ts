import type {Fault} from '../../errors.ts';
import type {BodyTaker, OpenBody, OpenRequest} from '../../passing.ts';
import {windowBytes} from './frames.ts';

/** What an upload needs of its channel and its call. */
export interface UploadHouse {
  /** The bridge reads nothing of what is written: nothing more may be. */
  readonly isBehind: boolean;
  send(bytes: Buffer): void;
  /** All of it was sent. */
  sent(): void;
  failed(fault: Fault): void;
}

/** The body of a request on its way to the function, as it comes and as far as the bridge has given credit for it. */
export class Upload implements BodyTaker {
  readonly #request: OpenRequest;
  readonly #body: OpenBody;
  readonly #house: UploadHouse;
  #credit = windowBytes;
  /** What came and there is no credit for: a piece at most, as then no other is asked for. */
  #waiting: Buffer[] = [];
  #hasEnded = false;
  #isOver = false;

  constructor(request: OpenRequest, body: OpenBody, house: UploadHouse) {
    this.#request = request;
    this.#body = body;
    this.#house = house;
  }

  /** True when nothing more will be sent. */
  get isOver(): boolean {
    return this.#isOver;
  }

  start(): void {
    this.#request.interim(100, []); // its sender may wait to be asked for it
    this.#body.take(this);
  }

  piece(bytes: Buffer): boolean {
    this.#waiting.push(bytes);
    return this.#pass();
  }

  end(): void {
    this.#hasEnded = true;
    this.#pass();
  }

  failed(fault: Fault): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#waiting = [];
    this.#house.failed(fault);
  }

  /** The bridge has room for so many bytes more. Whatever it says, no more than a window is on its way. */
  granted(bytes: number): void {
    this.#credit = Math.min(windowBytes, this.#credit + bytes);
    this.goOn();
  }

  /** There is credit, or the bridge reads again. */
  goOn(): void {
    if (this.#waiting.length > 0 && this.#pass() && !this.#hasEnded) this.#body.more();
  }

  /** Nobody reads the rest. */
  stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#waiting = [];
    this.#body.drop();
  }

  /** @returns true when nothing waits */
  #pass(): boolean {
    while (!this.#isOver && this.#credit > 0 && !this.#house.isBehind) {
      const first = this.#waiting[0];
      if (!first) break;
      const part = first.subarray(0, this.#credit);
      if (part.length < first.length) this.#waiting[0] = first.subarray(part.length);
      else this.#waiting.shift();
      this.#credit -= part.length;
      this.#house.send(part);
    }
    const isDone = this.#waiting.length === 0;
    if (isDone && this.#hasEnded && !this.#isOver) {
      this.#isOver = true;
      this.#house.sent();
    }
    return isDone;
  }
}
