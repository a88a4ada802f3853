const firstMs = 500;
const mostMs = 30_000;

/** The pauses before connecting again: each twice as long as the last, until a connection has been of use. */
export class Pauses {
  #nextMs = firstMs;

  /** A connection has delivered: the next pause is a short one. */
  useful(): void {
    this.#nextMs = firstMs;
  }

  /**
  @param connectedMs how long the connection before it lasted, if there was one: a broker that takes a connection and ends it at
  once is not asked again at once
  @returns milliseconds
  */
  next(connectedMs: number | undefined): number {
    if (connectedMs !== undefined && connectedMs >= this.#nextMs) this.#nextMs = firstMs;
    const mine = this.#nextMs;
    this.#nextMs = Math.min(mostMs, 2 * mine);
    return mine;
  }
}
