/** A smaller piece is copied: it would hold the whole packet that it came in, and an object of its own. */
const smallBytes = 4096;
const blockBytes = 16 * 2 ** 10;

/** The pieces of a body as they arrive, in little more memory than they have bytes, however small they are. */
export class Pieces {
  #whole: Buffer[] = [];
  #bytes = 0;
  #block: Buffer = Buffer.alloc(0);
  /** The part of the block that was written and is not in the list yet. */
  #from = 0;
  #to = 0;

  /** @returns the bytes of all pieces */
  add(piece: Buffer): number {
    this.#bytes += piece.length;
    const isFirst = this.#bytes === piece.length;
    if (isFirst || piece.length >= smallBytes) {
      this.#flush();
      this.#whole.push(piece);
    } else this.#copy(piece);
    return this.#bytes;
  }

  joined(): Buffer {
    this.#flush();
    const [first] = this.#whole;
    return this.#whole.length === 1 && first ? first : Buffer.concat(this.#whole, this.#bytes);
  }

  clear(): void {
    this.#whole = [];
    this.#block = Buffer.alloc(0);
    this.#from = this.#to = 0;
  }

  #copy(piece: Buffer): void {
    if (this.#to + piece.length > this.#block.length) {
      this.#flush();
      this.#block = Buffer.allocUnsafeSlow(blockBytes);
      this.#from = this.#to = 0;
    }
    this.#to += piece.copy(this.#block, this.#to);
  }

  #flush(): void {
    if (this.#to > this.#from) this.#whole.push(this.#block.subarray(this.#from, this.#to));
    this.#from = this.#to;
  }
}
