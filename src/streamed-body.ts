import type {Fault} from './errors.ts';

/** How long a body that is made piece by piece may take. */
export interface StreamLimits {
  /** Longest time without a piece, while the one who takes them waits for one. */
  readonly idleMs: number;
  /** Longest time from the arrival of the event to the last piece. */
  readonly timeoutMs: number;
}

/** A body that the function makes piece by piece. One takes the pieces, and says how far they have gone: that is how fast they are made. */
export interface StreamedBody {
  /** Resolves when nothing more comes, for whatever reason, and what came was taken or given up. Never rejects. */
  readonly ended: Promise<StreamEnd>;
  /** Hands over each piece as it comes, beginning with those that came before. To be called once. */
  take(taker: StreamTaker): void;
  /** So many bytes have been passed on, and nobody has their buffers any more: the function may make as many more. */
  passed(bytes: number): void;
  /** Nobody gets the rest: the function is asked to end it. Without a fault, as nobody wanted it. Does nothing once it has ended. */
  giveUp(fault?: Fault): void;
  /** Keeps a copy of so many bytes of its beginning. To be called before `take`. */
  keep(mostBytes: number): void;
}

export interface StreamTaker {
  piece(bytes: Buffer): void;
  /** Called once, last. With a fault it broke off: what was passed on is not all of it. */
  over(fault?: Fault): void;
}

export interface StreamEnd {
  /** How many bytes were passed on; all of them, when it ended well. */
  readonly bytes: number;
  /** Why it broke off; absent when it did not. */
  readonly fault?: Fault | undefined;
  /** The beginning, as far as it was to be kept. */
  readonly kept: Buffer;
}
