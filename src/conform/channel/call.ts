import type {HttpReply} from '../../runtime.ts';
import {type Form, type Frame, fromBridge, runHeadBytes, unknownLength} from './frames.ts';

/** How a call ended. `end`: it is over without a reply. */
export type Outcome =
  | {readonly kind: 'result'; readonly form: Form; readonly json: string | undefined; readonly body: Buffer}
  | {readonly kind: 'failed'; readonly message: string}
  | {readonly kind: 'end'};

/** Bytes of a reply that may be sent before there is credit, without the head of the RESULT. */
export const windowBytes = 262_144;
const longestMessageBytes = 65_536;

interface Result {
  readonly form: Form;
  readonly jsonBytes: number;
  /** Undefined when the length is not known: END then says that the body is complete. */
  readonly bodyBytes: number | undefined;
}

/** One call, as the core sees it: takes the frames of its reply, and finds what breaks the protocol. */
export class Call {
  readonly number: number;
  /** Bytes of JSON and body that have come. */
  received = 0;
  /** Bytes of JSON and body that credit allows so far. */
  allowed = windowBytes;
  /** Bytes of the longest payload so far. */
  longestFrame = 0;
  /** True once its RESULT said no length of its body. */
  isStreamed = false;
  /** True once a byte of its body has come. */
  hasBody = false;
  /** True when all frames of the CALL have been sent. */
  isWhole = false;
  isCancelled = false;
  readonly outcome: Promise<Outcome>;
  readonly #settle = Promise.withResolvers<Outcome>();
  #result: Result | undefined;
  /** Bytes of its body that were sent, and for which the sub-runtime has given credit; where the length is not said. */
  #uploaded: {sent: number; credited: number} | undefined;
  readonly #pieces: Buffer[] = [];

  constructor(number: number) {
    this.number = number;
    this.outcome = this.#settle.promise;
    this.outcome.catch(() => {}); // a failure is for those who wait for the outcome
  }

  /** Its body is of unknown length, and follows. */
  uploads(): void {
    this.#uploaded = {sent: 0, credited: 0};
    this.isWhole = true;
  }

  /** Bytes of its body that may be sent now. */
  get uploadCredit(): number {
    const {sent = 0, credited = 0} = this.#uploaded ?? {};
    return windowBytes + credited - sent;
  }

  uploaded(bytes: number): void {
    if (this.#uploaded) this.#uploaded.sent += bytes;
  }

  /** @throws Error when the sub-runtime cannot have read so much */
  credited(payload: Buffer): void {
    if (!this.#uploaded) throw new Error('CREDIT came for a call whose body was whole');
    if (payload.length !== 4) throw new Error(`CREDIT has ${payload.length} bytes; 4 are expected`);
    this.#uploaded.credited += payload.readUInt32BE(0);
    const {sent, credited} = this.#uploaded;
    if (credited > sent) throw new Error(`CREDIT came for ${credited} bytes of a body; ${sent} were sent`);
  }

  fail(error: Error): void {
    this.#settle.reject(error);
  }

  /**
  @returns true when the call is over with this frame
  @throws Error that says how the frame breaks the protocol
  */
  take({type, payload}: Frame): boolean {
    this.longestFrame = Math.max(this.longestFrame, payload.length);
    if (type === fromBridge.failed) return this.#failed(payload);
    if (type === fromBridge.end) return this.#ended(payload);
    if (type === fromBridge.result) return this.#begin(payload);
    if (!this.#result) throw new Error('DATA came before RESULT');
    return this.#more(payload);
  }

  #failed(payload: Buffer): true {
    if (payload.length > longestMessageBytes) throw new Error(`FAILED has ${payload.length} bytes; ${longestMessageBytes} is the limit`);
    this.#settle.resolve({kind: 'failed', message: utf8(payload, 'the message of FAILED')});
    return true;
  }

  #ended(payload: Buffer): true {
    if (payload.length > 0) throw new Error('END has a payload');
    const isComplete = this.#result?.bodyBytes === undefined && this.received >= (this.#result?.jsonBytes ?? Number.POSITIVE_INFINITY);
    if (!isComplete && !this.isCancelled) throw new Error(this.#result ? 'END came in the middle of a reply' : 'END came without CANCEL');
    this.#settle.resolve(isComplete ? this.#whole() : {kind: 'end'});
    return true;
  }

  #begin(payload: Buffer): boolean {
    if (this.#result) throw new Error('a second RESULT came');
    if (!this.isWhole) throw new Error('RESULT came before the CALL was whole');
    if (payload.length < runHeadBytes) throw new Error(`RESULT has ${payload.length} bytes; it begins with ${runHeadBytes}`);
    const form = payload.readUInt8(0);
    const jsonBytes = payload.readUInt32BE(1);
    const bodyBytes = payload.readUInt32BE(5);
    if (form !== 0 && form !== 1 && form !== 2) throw new Error(`RESULT has form ${form}`);
    if (jsonBytes === unknownLength) throw new Error('RESULT says no length of its JSON');
    if (form === 0 && bodyBytes > 0) throw new Error('RESULT of form 0 has a body');
    this.#result = {form, jsonBytes, bodyBytes: bodyBytes === unknownLength ? undefined : bodyBytes};
    this.isStreamed = bodyBytes === unknownLength;
    return this.#more(payload.subarray(runHeadBytes));
  }

  #more(bytes: Buffer): boolean {
    this.received += bytes.length;
    this.#pieces.push(bytes);
    if (this.received > this.allowed) throw new Error(`${this.received} bytes of a reply came; ${this.allowed} were allowed`);
    const {jsonBytes = 0, bodyBytes} = this.#result ?? {};
    this.hasBody = this.received > jsonBytes;
    if (bodyBytes === undefined || this.received < jsonBytes + bodyBytes) return false;
    if (this.received > jsonBytes + bodyBytes) throw new Error('more bytes of a reply came than RESULT said');
    this.#settle.resolve(this.#whole());
    return true;
  }

  #whole(): Outcome {
    const {form = 0, jsonBytes = 0} = this.#result ?? {};
    const run = Buffer.concat(this.#pieces);
    const json = jsonBytes === 0 ? undefined : utf8(run.subarray(0, jsonBytes), 'the JSON of RESULT');
    return {kind: 'result', form, json, body: run.subarray(jsonBytes)};
  }
}

/**
The outcome as the reply that the same call has over HTTP.

@throws Error when it has none, or is not what its form says
*/
export function replyOf(outcome: Outcome): HttpReply {
  if (outcome.kind === 'end') throw new Error('the call ended without a reply');
  if (outcome.kind === 'failed') return reply(500, 'text/plain', outcome.message);
  const {form, json, body} = outcome;
  if (form === 0) return reply(200, 'application/json', json ?? '');
  if (form === 1 && json === undefined) return reply(200, 'application/json', JSON.stringify(utf8(body, 'the text of RESULT')));
  const members: unknown = JSON.parse(json ?? '{}');
  if (typeof members !== 'object' || members === null || Array.isArray(members) || 'body' in members)
    throw new Error(`the JSON beside a body is an object without \`body\`, got ${json?.slice(0, 80)}`);
  const content = form === 1 ? {body: utf8(body, 'the text of RESULT')} : {body: body.toString('base64'), isBase64Encoded: true};
  return reply(200, 'application/json', JSON.stringify({...members, ...content}));
}

function reply(status: number, contentType: string, text: string): HttpReply {
  return {status, contentType, framed: true, body: Buffer.from(text)};
}

function utf8(bytes: Buffer, what: string): string {
  try {
    return new TextDecoder('utf-8', {fatal: true, ignoreBOM: true}).decode(bytes);
  } catch {
    throw new Error(`${what} is not UTF-8`);
  }
}
