/** Shorter replies do not count: as many as a process has places fit in every container. */
export const countedReply = 16 * 2 ** 10;

/** A reply of which nothing is known yet is taken to be so long, at least two fit. */
const unknownBytes = 1.5 * 2 ** 20;
const leastFirst = 2;
/** With each reply that is longer than those before it is forgotten by so much of its length. */
const forgetting = 1 / 64;

/**
Lets so many calls run at a time that their replies fit in a small container, where each is in memory several times: as the
function made it, on its way, in the core. How long a reply will be nobody knows before: it is taken to be as long as the
longest that came lately. The first calls run few at a time, and with each reply one more may. A single call always runs.
*/
export class ReplyTurns {
  readonly #maxBytes: number;
  /** Calls at a time before anything is known. */
  readonly #first: number;
  #known = 0;
  #longestBytes = 0;

  /** @param maxBytes of replies at the same time */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#first = Math.max(leastFirst, Math.floor(maxBytes / unknownBytes));
  }

  /** Calls that may run at the same time. */
  get calls(): number {
    const fitting = this.#longestBytes > countedReply ? Math.floor(this.#maxBytes / this.#longestBytes) : Number.POSITIVE_INFINITY;
    return Math.max(1, Math.min(this.#first + this.#known, fitting));
  }

  /** A call is over; its reply had so many bytes. */
  learn(bytes: number): void {
    this.#known++;
    this.#longestBytes = Math.max(bytes, this.#longestBytes * (1 - forgetting));
  }
}
