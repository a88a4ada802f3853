import type {Clock} from '../clock.ts';
import {Fault} from '../errors.ts';
import type {Hold} from '../limits/budget.ts';
import type {StreamEnd, StreamedBody, StreamLimits, StreamTaker} from '../streamed-body.ts';

/** What a stream needs of its call. */
export interface StreamHouse {
  readonly clock: Clock;
  /** What is charged: the bytes that came and were not passed on. */
  readonly hold: Hold | undefined;
  /** So many bytes were passed on. */
  passed(bytes: number): void;
  /** Nobody takes the rest. */
  givenUp(): void;
}

/** The body of a reply whose length is not known, from its first bytes on. */
export class ReplyStream implements StreamedBody {
  readonly ended: Promise<StreamEnd>;
  readonly #house: StreamHouse;
  readonly #limits: StreamLimits;
  /** When it must have ended, on the monotonic clock. */
  readonly #deadline: number;
  readonly #resolve: (end: StreamEnd) => void;
  #taker: StreamTaker | undefined;
  /** Pieces that came before somebody took them. */
  #early: Buffer[] = [];
  #receivedBytes = 0;
  #passedBytes = 0;
  /** When the last piece came or was passed on. */
  #movedAt: number;
  #isOver = false;
  #fault: Fault | undefined;
  #kept: Buffer[] = [];
  #keepBytes = 0;
  #stopTimer = () => {};

  /** @param arrived when the event arrived, on the monotonic clock */
  constructor(arrived: number, limits: StreamLimits, house: StreamHouse) {
    const {promise, resolve} = Promise.withResolvers<StreamEnd>();
    this.ended = promise;
    this.#resolve = resolve;
    this.#house = house;
    this.#limits = limits;
    this.#deadline = arrived + limits.timeoutMs;
    this.#movedAt = house.clock.monotonic();
    house.hold?.become('stream');
    this.#look();
  }

  /** A piece has come. It is kept until it is passed on. */
  add(piece: Buffer): void {
    if (this.#isOver || piece.length === 0) return;
    this.#movedAt = this.#house.clock.monotonic();
    this.#receivedBytes += piece.length;
    this.#charge();
    if (this.#taker) this.#hand(piece);
    else this.#early.push(piece);
  }

  /** Something else came or went for its sake: it is not idle. */
  moved(): void {
    this.#movedAt = this.#house.clock.monotonic();
  }

  /** The function made all of it. */
  end(): void {
    if (!this.#isOver) this.#over();
  }

  /** It breaks off: the function failed, or is gone. */
  fail(fault: Fault): void {
    if (!this.#isOver) this.#over(fault);
  }

  keep(mostBytes: number): void {
    this.#keepBytes = mostBytes;
  }

  take(taker: StreamTaker): void {
    this.#taker = taker;
    for (const piece of this.#early.splice(0)) this.#hand(piece);
    if (!this.#isOver) return;
    taker.over(this.#fault);
    this.#tellEnd();
  }

  passed(bytes: number): void {
    this.#passedBytes += bytes;
    this.#movedAt = this.#house.clock.monotonic();
    this.#charge();
    if (!this.#isOver) this.#house.passed(bytes);
  }

  giveUp(fault?: Fault): void {
    this.#early = [];
    if (this.#isOver) {
      this.#tellEnd();
      return;
    }
    this.#over(fault);
    this.#tellEnd();
    this.#house.givenUp();
  }

  #hand(piece: Buffer): void {
    if (this.#keepBytes > 0) {
      const part = Buffer.from(piece.subarray(0, this.#keepBytes)); // it is freed once it was passed on
      this.#kept.push(part);
      this.#keepBytes -= part.length;
    }
    this.#taker?.piece(piece);
  }

  #charge(): void {
    this.#house.hold?.set(this.#receivedBytes - this.#passedBytes);
  }

  #over(fault?: Fault): void {
    this.#isOver = true;
    this.#fault = fault;
    this.#stopTimer();
    if (!this.#taker) return; // what came is still to be taken
    this.#taker.over(fault);
    this.#tellEnd();
  }

  #tellEnd(): void {
    const fault = this.#fault;
    this.#resolve({bytes: fault ? this.#passedBytes : this.#receivedBytes, fault, kept: Buffer.concat(this.#kept)});
  }

  readonly #look = (): void => {
    const {idleMs, timeoutMs} = this.#limits;
    const now = this.#house.clock.monotonic();
    const leftMs = this.#deadline - now;
    // While bytes wait for their reader, the function is not to blame.
    const quietMs = this.#receivedBytes > this.#passedBytes ? 0 : now - this.#movedAt;
    if (leftMs <= 0) this.giveUp(timedOut(`did not end its reply within ${timeoutMs} ms`));
    else if (quietMs >= idleMs) this.giveUp(timedOut(`sent nothing more of its reply for ${idleMs} ms`));
    else this.#stopTimer = this.#house.clock.after(Math.ceil(Math.min(leftMs, idleMs - quietMs)), this.#look);
  };
}

const timedOut = (how: string) => new Fault('UPSTREAM_TIMEOUT', {message: `The function ${how}`});
