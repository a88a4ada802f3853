import type {Clock} from '../../clock.ts';
import type {BodyForm} from '../../runtime.ts';

/*
The form of the frames between the core and a bridge that is on the channel: `length (u32) · type (u8) · call (u32) · payload`,
big-endian. runtimes/README.md describes them.
*/

/** The version of the form, as a bridge reports it. */
export const channelVersion = 1;

export const frame = {
  call: 1,
  body: 2,
  cancel: 3,
  credit: 4,
  ping: 5,
  result: 17,
  data: 18,
  end: 19,
  failed: 20,
  pong: 21,
} as const;

/** Length, type and call. */
export const headBytes = 9;
/** What the payload of a CALL or a RESULT begins with: form, bytes of JSON, bytes of body. */
export const leadBytes = 9;
/** Of a payload. */
export const longestFrame = 2 ** 20;
/** Long calls and replies go in pieces of this length, in turn with others. */
export const pieceBytes = 64 * 2 ** 10;
/** Bytes of a reply that a bridge may send before it is given credit. */
export const windowBytes = 256 * 2 ** 10;
/** Bytes of the message of a FAILED. */
export const longestMessage = 64 * 2 ** 10;
/** The length of a body that is made piece by piece. */
export const unknownBytes = 0xffff_ffff;

export const formOfCall: Readonly<Record<BodyForm, number>> = {text: 0, bytes: 1, base64: 2};

/** Forms of a RESULT: all of it is JSON, or a text or bytes stand beside it. */
export const resultForm = {json: 0, text: 1, bytes: 2} as const;

export function writeHead(into: Buffer, at: number, length: number, type: number, call: number): void {
  into.writeUInt32BE(length, at);
  into[at + 4] = type;
  into.writeUInt32BE(call, at + 5);
}

export function writeLead(into: Buffer, at: number, form: number, jsonBytes: number, bodyBytes: number): void {
  into[at] = form;
  into.writeUInt32BE(jsonBytes, at + 1);
  into.writeUInt32BE(bodyBytes, at + 5);
}

/** What a reader of frames hears. Each method may throw a BrokenFrames. */
export interface FrameSink {
  /** A RESULT begins. Its bytes follow. */
  result(call: number, form: number, jsonBytes: number, bodyBytes: number): void;
  /** More of a RESULT begins: `bytes` follow. */
  data(call: number): void;
  /** A FAILED begins. Its text follows, `bytes` long. */
  failed(call: number, bytes: number): void;
  /** Bytes of the RESULT, DATA or FAILED that began last: `chunk` from `from` up to `to`. They are the reader's: copy what is kept. */
  bytes(chunk: Buffer, from: number, to: number): void;
  /** All bytes of the RESULT, DATA or FAILED that began last have come. */
  complete(): void;
  end(call: number): void;
  /** The bridge has room for so many bytes more of the body of a call. */
  granted(call: number, bytes: number): void;
  pong(): void;
}

/** What came is not of the form; says how. */
export class BrokenFrames extends Error {
  static {
    BrokenFrames.prototype.name = 'BrokenFrames';
  }
}

const nothing = Buffer.alloc(0);

/** Frames that belong to no reply, such as unknown ones, and frames without content may have so many bytes in a second. */
const mostVainBytes = 2 ** 20;
const secondMs = 1000;

/** Reads the frames of a bridge from the chunks in which they come. Keeps no chunk. */
export class FrameReader {
  readonly #sink: FrameSink;
  readonly #clock: Pick<Clock, 'monotonic'>;
  #vainBytes = 0;
  #vainSince = 0;
  /** The beginning of a frame whose head, or lead, is not complete. */
  #pending = nothing;
  /** Bytes that are still to come of a RESULT, DATA or FAILED. */
  #left = 0;
  /** Bytes that are still to come of a frame that is skipped. */
  #skipped = 0;

  constructor(sink: FrameSink, clock: Pick<Clock, 'monotonic'>) {
    this.#sink = sink;
    this.#clock = clock;
  }

  /** @throws BrokenFrames */
  read(received: Buffer): void {
    let chunk = received;
    if (this.#pending.length > 0) {
      chunk = Buffer.concat([this.#pending, received]);
      this.#pending = nothing;
    }
    let at = 0;
    while (at < chunk.length) {
      const next = this.#left > 0 || this.#skipped > 0 ? this.#take(chunk, at) : this.#begin(chunk, at);
      if (next === at) {
        this.#pending = Buffer.from(chunk.subarray(at)); // at most a head and a lead
        return;
      }
      at = next;
    }
  }

  #take(chunk: Buffer, at: number): number {
    if (this.#skipped > 0) {
      const to = Math.min(chunk.length, at + this.#skipped);
      this.#skipped -= to - at;
      return to;
    }
    const to = Math.min(chunk.length, at + this.#left);
    this.#left -= to - at;
    this.#sink.bytes(chunk, at, to);
    if (this.#left === 0) this.#sink.complete();
    return to;
  }

  /** @returns `at` when more has to come first */
  #begin(chunk: Buffer, at: number): number {
    if (chunk.length - at < headBytes) return at;
    const length = chunk.readUInt32BE(at);
    const type = chunk[at + 4];
    const call = chunk.readUInt32BE(at + 5);
    if (length > longestFrame) throw new BrokenFrames(`a frame of ${length} bytes, longest = ${longestFrame}`);
    const to = at + headBytes;
    if (type === frame.result) {
      if (length < leadBytes) throw new BrokenFrames(`a RESULT of ${length} bytes, which has no room for its lengths`);
      if (chunk.length - to < leadBytes) return at;
      this.#sink.result(call, chunk[to] as number, chunk.readUInt32BE(to + 1), chunk.readUInt32BE(to + 5)); // length was checked
      return this.#follow(length - leadBytes, to + leadBytes);
    }
    if (type === frame.data) {
      if (length === 0) this.#countVain(headBytes);
      this.#sink.data(call);
      return this.#follow(length, to);
    }
    if (type === frame.failed) {
      this.#sink.failed(call, length);
      return this.#follow(length, to);
    }
    if (type === frame.credit && length === 4) {
      if (chunk.length - to < length) return at;
      this.#countVain(headBytes + length);
      this.#sink.granted(call, chunk.readUInt32BE(to));
      return to + length;
    }
    this.#countVain(type === frame.end ? length : headBytes + length);
    if (type === frame.end) this.#sink.end(call);
    else if (type === frame.pong) this.#sink.pong();
    this.#skipped = length;
    return to;
  }

  /** Reading them costs time that calls need. */
  #countVain(bytes: number): void {
    this.#vainBytes += bytes;
    if (this.#vainBytes <= mostVainBytes) return;
    const now = this.#clock.monotonic();
    if (now - this.#vainSince < secondMs) throw new BrokenFrames('more than 1 MiB a second that belongs to no reply');
    this.#vainSince = now;
    this.#vainBytes = bytes;
  }

  #follow(bytes: number, to: number): number {
    this.#left = bytes;
    if (bytes === 0) this.#sink.complete();
    return to;
  }
}
