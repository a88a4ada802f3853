/**
A larger request may arrive in pieces, and a foreign sub-runtime may answer before the last piece. We cannot see whether it has
read everything, so such a request gets a connection of its own.
*/
const wholeBytes = 16 * 2 ** 10;

/**
Whether a connection to a sub-runtime may serve one call after another: only where no caller can get a reply that was meant
for another. Our bridges answer once. A foreign sub-runtime may answer twice, and the second reply may come while the next
call is on the connection: then only the id of the call, sent back in the reply, tells whose reply it is.
*/
export class Reuse {
  readonly #isForeign: boolean;
  /** A reply has named its call. */
  #names = false;
  /** The sub-runtime has sent bytes that belong to no call: from then on every call gets a connection of its own. */
  #strays = false;

  constructor(isForeign: boolean) {
    this.#isForeign = isForeign;
  }

  /** Whether a request of that length must be the last on its connection. */
  isLast(length: number): boolean {
    return this.#strays || (this.#isForeign && (!this.#names || length > wholeBytes));
  }

  /**
  Whether a reply belongs to the call. Ids are compared byte for byte: two may differ by case alone.

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

  /** Bytes have come that belong to no call. */
  strayed(): void {
    this.#strays = true;
  }
}
