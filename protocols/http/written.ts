/** A smaller piece is left to V8, which counts it with its heap, or shares its buffer with others. */
const leastBytes = 16 * 2 ** 10;

/** Pieces of a body that are being written, in turn. Each is freed once it was: V8 lets 64 MiB of them wait, as they are outside of its heap. */
export class Unwritten {
  readonly #pieces: Buffer[] = [];
  /** Bytes of the first that were written. */
  #writtenBytes = 0;

  /** @param piece that nobody else has */
  add(piece: Buffer): void {
    this.#pieces.push(piece);
  }

  /** The system has taken so many bytes. */
  written(bytes: number): void {
    this.#writtenBytes += bytes;
    for (let first = this.#pieces[0]; first && this.#writtenBytes >= first.length; first = this.#pieces[0]) {
      this.#writtenBytes -= first.length;
      this.#pieces.shift();
      free(first);
    }
  }

  /** The system has taken the first of them. */
  readonly firstWritten = (error?: Error | null): void => {
    const first = this.#pieces.shift();
    if (first && !error) free(first); // what was not written may still be with the system
  };
}

/** A buffer that was transferred has no bytes any more. */
function free({buffer, length}: Buffer): void {
  if (length >= leastBytes && length === buffer.byteLength && buffer instanceof ArrayBuffer) buffer.transfer(0);
}
