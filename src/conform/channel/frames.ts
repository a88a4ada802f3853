/** The types of frames that the core sends. */
export const fromCore = {call: 1, body: 2, cancel: 3, credit: 4, ping: 5} as const;
/** The types of frames that a sub-runtime sends. */
export const fromBridge = {credit: 4, result: 17, data: 18, end: 19, failed: 20, pong: 21} as const;

export const longestPayloadBytes = 2 ** 20;
/** Most bytes of a long body that both sides put into one frame. */
export const pieceBytes = 65_536;
/** Stands for the length of a body when that is not known. */
export const unknownLength = 2 ** 32 - 1;
export const frameHeadBytes = 9;
/** `form (u8) · bytes of JSON (u32) · bytes of body (u32)`, where the payload of a CALL or a RESULT begins. */
export const runHeadBytes = 9;

export interface Frame {
  readonly type: number;
  readonly call: number;
  readonly payload: Buffer;
}

/** How the body of a CALL becomes `event.body`, and what the body of a RESULT is. */
export type Form = 0 | 1 | 2;

/** JSON and body of a CALL, which follow each other without a gap. */
export interface Run {
  readonly form: Form;
  readonly json: Buffer;
  readonly body: Buffer;
}

export function frame(type: number, call: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(frameHeadBytes);
  head.writeUInt32BE(payload.length, 0);
  head.writeUInt8(type, 4);
  head.writeUInt32BE(call, 5);
  return Buffer.concat([head, payload]);
}

/** A call whose body follows, until an empty BODY. */
export interface OpenRun extends Omit<Run, 'body'> {
  readonly body: undefined;
}

/**
A CALL and the BODY frames that complete it, or its JSON where the body is still to come.

@param firstBytes how many bytes of JSON and body the CALL holds
@param nextBytes how many each BODY holds
*/
export function callFrames(
  call: number,
  {form, json, body}: Run | OpenRun,
  firstBytes: number = pieceBytes,
  nextBytes = firstBytes,
): Buffer[] {
  const head = Buffer.alloc(runHeadBytes);
  head.writeUInt8(form, 0);
  head.writeUInt32BE(json.length, 1);
  head.writeUInt32BE(body?.length ?? unknownLength, 5);
  const run = body ? Buffer.concat([json, body]) : json;
  const frames = [frame(fromCore.call, call, Buffer.concat([head, run.subarray(0, firstBytes)]))];
  for (let at = firstBytes; at < run.length; at += nextBytes) frames.push(frame(fromCore.body, call, run.subarray(at, at + nextBytes)));
  return frames;
}

export function creditFrame(call: number, bytes: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(bytes);
  return frame(fromCore.credit, call, payload);
}

/** Takes frames out of a stream of bytes, however it is cut. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #bytes = 0;

  /** @throws Error when a payload is longer than a frame may be */
  *feed(chunk: Buffer): Generator<Frame> {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    while (this.#bytes >= frameHeadBytes) {
      const length = this.#peek(frameHeadBytes).readUInt32BE(0);
      if (length > longestPayloadBytes) throw new Error(`a frame of ${length} bytes came; ${longestPayloadBytes} is the limit`);
      if (this.#bytes < frameHeadBytes + length) return;
      const whole = this.#peek(frameHeadBytes + length);
      this.#chunks = [this.#peek(this.#bytes).subarray(whole.length)];
      this.#bytes -= whole.length;
      yield {type: whole.readUInt8(4), call: whole.readUInt32BE(5), payload: whole.subarray(frameHeadBytes)};
    }
  }

  /** The first bytes; at least this many must have come. */
  #peek(bytes: number): Buffer {
    if ((this.#chunks[0]?.length ?? 0) < bytes) this.#chunks = [Buffer.concat(this.#chunks)];
    return (this.#chunks[0] ?? Buffer.alloc(0)).subarray(0, bytes);
  }
}
