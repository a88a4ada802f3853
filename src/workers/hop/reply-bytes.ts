const leastBlockBytes = 4 * 2 ** 10;
const mostBlockBytes = 64 * 2 ** 10;
const nothing = Buffer.alloc(0);

/** The bytes of one reply, as they come. They are copied into blocks, so that a thousand small pieces take hardly more memory than one large one. */
export class ReplyBytes {
  #full: Buffer[] | undefined;
  #last = nothing;
  /** How much of the last block is filled. */
  #filled = 0;
  #length = 0;

  /** Makes a single block for so many bytes in all. */
  reserve(total: number): void {
    const whole = Buffer.allocUnsafeSlow(total);
    this.read().copy(whole);
    this.#full = undefined;
    this.#last = whole;
    this.#filled = this.#length;
  }

  /** @param left how many bytes will come after these, as far as that is known; otherwise Infinity */
  add(chunk: Buffer, from: number, to: number, left: number): void {
    const copied = chunk.copy(this.#last, this.#filled, from, to);
    this.#filled += copied;
    this.#length += to - from;
    if (from + copied < to) this.#open(chunk, from + copied, to, left);
  }

  clear(): void {
    this.#full = undefined;
    this.#last = nothing;
    this.#filled = 0;
    this.#length = 0;
  }

  read(): Buffer {
    const last = this.#filled === this.#last.length ? this.#last : this.#last.subarray(0, this.#filled);
    return this.#full ? Buffer.concat([...this.#full, last], this.#length) : last;
  }

  #open(chunk: Buffer, from: number, to: number, left: number): void {
    if (this.#filled > 0) {
      this.#full ??= [];
      this.#full.push(this.#last);
    }
    const ahead = left === 0 ? 0 : Math.min(left, Math.max(leastBlockBytes, Math.min(this.#length, mostBlockBytes)));
    this.#last = Buffer.allocUnsafe(to - from + ahead);
    this.#filled = chunk.copy(this.#last, 0, from, to);
  }
}
