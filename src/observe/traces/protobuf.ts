/*
The few forms of protobuf's wire format that OTLP needs, written into one buffer that grows and is used again.

@see https://protobuf.dev/programming-guides/encoding
*/
const leastBytes = 2 ** 16;
/** Most batches are far smaller. A buffer that grew larger, for a batch with long paths, is given back. */
const mostKeptBytes = 2 ** 20;

export class ProtobufWriter {
  #buffer = Buffer.alloc(leastBytes);
  #at = 0;
  /** Names repeat, so their bytes are kept. Only the core chooses names; there is a bound all the same. */
  readonly #names = new Map<string, Buffer>();

  reset(): void {
    this.#at = 0;
  }

  /** The capacity of its buffer. */
  get keptBytes(): number {
    return this.#buffer.length;
  }

  /** A copy of what was written. */
  bytes(): Uint8Array<ArrayBuffer> {
    const written = new Uint8Array(this.#buffer.subarray(0, this.#at));
    if (this.#buffer.length > mostKeptBytes) this.#buffer = Buffer.alloc(leastBytes);
    return written;
  }

  /** Opens a message; `end` gets what this returns. */
  begin(tag: number): number {
    this.#reserve(12);
    this.#varint(tag);
    return this.#at++; // most messages are short: their length is one byte
  }

  end(begun: number): void {
    const start = begun + 1;
    const length = this.#at - start;
    if (length < 0x80) {
      this.#buffer[begun] = length;
      return;
    }
    const more = sizeOf(length) - 1;
    this.#reserve(more);
    this.#buffer.copyWithin(start + more, start, this.#at);
    this.#at = begun;
    this.#varint(length);
    this.#at += length;
  }

  /** A whole number, from 0 to what a double holds; one below 0 as 64 bits of two's complement. */
  integer(tag: number, value: number): void {
    this.#reserve(16);
    this.#varint(tag);
    if (value >= 0) this.#varint(value);
    else this.#negative(value);
  }

  double(tag: number, value: number): void {
    this.#reserve(16);
    this.#varint(tag);
    this.#at = this.#buffer.writeDoubleLE(value, this.#at);
  }

  fixed32(tag: number, value: number): void {
    this.#reserve(10);
    this.#varint(tag);
    this.#at = this.#buffer.writeUInt32LE(value, this.#at);
  }

  /** Seconds and nanoseconds as one number of 64 bits, in nanoseconds: more than a double holds, so in two halves. */
  nanoseconds(tag: number, seconds: number, nanoseconds: number): void {
    this.#reserve(16);
    this.#varint(tag);
    const upper = Math.floor(seconds / 0x1_0000) * 1e9;
    const lower = (seconds % 0x1_0000) * 1e9 + nanoseconds;
    const low = (upper % 0x1_0000) * 0x1_0000 + (lower % 0x1_0000_0000);
    const high = Math.floor(upper / 0x1_0000) + Math.floor(lower / 0x1_0000_0000) + Math.floor(low / 0x1_0000_0000);
    this.#at = this.#buffer.writeUInt32LE(low % 0x1_0000_0000, this.#at);
    this.#at = this.#buffer.writeUInt32LE(high, this.#at);
  }

  /** Bytes given as hexadecimal digits, at most 254 of them. */
  hex(tag: number, digits: string): void {
    const bytes = digits.length / 2;
    this.#reserve(bytes + 8);
    this.#varint(tag);
    const buffer = this.#buffer;
    let at = this.#at;
    buffer[at++] = bytes;
    for (let index = 0; index < digits.length; index += 2) {
      buffer[at++] = (nibble(digits.charCodeAt(index)) << 4) | nibble(digits.charCodeAt(index + 1));
    }
    this.#at = at;
  }

  text(tag: number, text: string): void {
    this.#reserve(text.length * 3 + 12);
    this.#varint(tag);
    if (text.length < 0x80 && this.#ascii(text)) return;
    const length = Buffer.byteLength(text);
    this.#varint(length);
    this.#at += this.#buffer.write(text, this.#at);
  }

  /** A text that comes again and again. */
  name(tag: number, text: string): void {
    let known = this.#names.get(text);
    if (!known) {
      known = Buffer.from(text);
      if (this.#names.size < 1000) this.#names.set(text, known);
    }
    this.#reserve(known.length + 12);
    this.#varint(tag);
    this.#varint(known.length);
    this.#buffer.set(known, this.#at);
    this.#at += known.length;
  }

  /** Writes a short ASCII text letter by letter, which is the fastest way. @returns false for other text: then nothing was written */
  #ascii(text: string): boolean {
    const start = this.#at;
    this.#buffer[this.#at++] = text.length;
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code > 0x7f) {
        this.#at = start;
        return false;
      }
      this.#buffer[this.#at++] = code;
    }
    return true;
  }

  #varint(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.#buffer[this.#at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#at++] = rest;
  }

  #negative(value: number): void {
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest > 0x7fn; rest >>= 7n) this.#buffer[this.#at++] = Number(rest & 0x7fn) | 0x80;
    this.#buffer[this.#at++] = Number(rest);
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const larger = Buffer.alloc(Math.max(this.#buffer.length * 2, this.#at + bytes));
    larger.set(this.#buffer);
    this.#buffer = larger;
  }
}

function sizeOf(value: number): number {
  let size = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 0x80)) size++;
  return size;
}

/** The value of each hexadecimal digit, by its character code; 0 for every other character. */
const nibbles = Uint8Array.from({length: 0x80}, (_, code) => Number.parseInt(String.fromCharCode(code), 16) || 0);
const nibble = (code: number) => nibbles[code & 0x7f] as number; // of 128
