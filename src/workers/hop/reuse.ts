/**
A larger request may come in pieces, and a foreign sub-runtime may answer one before the other has come. Whether it has read
everything cannot be seen from here, so such a request has a connection of its own.
*/
const wholeBytes = 16 * 2 ** 10;

/**
Whether a connection to a sub-runtime may serve one call after another: only where no caller can get a reply that was meant
for another. Our bridges answer once. A foreign sub-runtime may answer twice, and the second reply may come while the next
call is on the connection: then only the id of the call, sent back in the reply, tells whose reply it is.
*/
export class Reuse {
  readonly #isForeign: boolean;
  /** A reply named its call. */
  #names = false;
  /** It has sent what belongs to no call: from then on no connection is kept for another call. */
  #strays = false;

  constructor(isForeign: boolean) {
    this.#isForeign = isForeign;
  }

  /** Whether a request of that length is the last on its connection. */
  isLast(length: number): boolean {
    return this.#strays || (this.#isForeign && (!this.#names || length > wholeBytes));
  }

  /**
  Whether a reply is the call's.

  @param named the call that the reply names
  @param isFirst nothing was sent on the connection before the call
  */
  accepts(named: unknown, invocationId: string, isFirst: boolean): boolean {
    if (named === invocationId) this.#names = true;
    else if (named !== undefined || (this.#isForeign && !isFirst)) {
      this.#strays = true;
      return false;
    }
    return true;
  }

  /** Bytes came that belong to no call. */
  strayed(): void {
    this.#strays = true;
  }
}
