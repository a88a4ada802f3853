import {isUtf8} from 'node:buffer';
import type {Fault} from '../../errors.ts';
import {tooLarge} from '../../hop/fault.ts';
import type {ReplyStream} from '../../hop/reply-stream.ts';
import type {Hold} from '../../limits/budget.ts';
import type {ChannelReply} from '../../runtime.ts';
import {BrokenFrames, longestMessage, resultForm, unknownBytes, windowBytes} from './frames.ts';
import {ReplyBytes} from './reply-bytes.ts';

/** Credit is given in steps, not for each piece. */
const creditStep = windowBytes / 2;

/** What a reply needs of its call. */
export interface ReplyHouse {
  /** What it is charged to. */
  readonly hold: Hold | undefined;
  readonly maxBytes: number;
  /** One of unknown length is wanted as it comes. */
  readonly isStreamWanted: boolean;
  /** The bridge may send so many bytes more. */
  credit(bytes: number): void;
  /** It is too large, or there is no room for it: nobody gets it. The house drops it. */
  refuse(fault: Fault): void;
  /** Nobody gets it, and it has no end that could be waited for. */
  cancel(): void;
}

/** Credit for more does not fit into its frame. */
const mostKnownBytes = 0xffff_ffff;

/** The reply to one call on a channel, as its bytes come. */
export class IncomingReply {
  readonly #house: ReplyHouse;
  /** Its bytes are not wanted any more. They must come all the same, before the place of the call is free. */
  #isDropped = false;
  #isFailed = false;
  #form: number | undefined;
  #jsonBytes = 0;
  /** Of JSON and body; undefined while it is not known. */
  #total: number | undefined = 0;
  #received = 0;
  readonly #bytes = new ReplyBytes();
  /** Bytes that the bridge may have sent, or will. */
  #granted = windowBytes;
  #passed = 0;
  #waitsForRoom = false;
  /** Where its body goes as it comes. */
  #stream: ReplyStream | undefined;

  constructor(house: ReplyHouse) {
    this.#house = house;
  }

  /** Its last frame has come. An END says so of a reply of unknown length. */
  get isWhole(): boolean {
    return this.#isFailed || this.#received === this.#total;
  }

  /** All that came, wanted or not. */
  get bytes(): number {
    return this.#received;
  }

  /** Its length is not known. */
  get isStreamed(): boolean {
    return this.#form !== undefined && this.#total === undefined;
  }

  /** It can be handed over: a body of unknown length follows, piece by piece. */
  get isReadyToFlow(): boolean {
    const isFlowing = this.isStreamed && !this.#isFailed && this.#form !== resultForm.json && this.#house.isStreamWanted;
    return isFlowing && !this.#stream && this.#received >= this.#jsonBytes;
  }

  /** From now on its body goes there, beginning with what came by now. @returns undefined when its JSON is not UTF-8 */
  flowInto(stream: ReplyStream): ChannelReply | undefined {
    const reply = this.read();
    if (!reply?.content) return undefined;
    this.#stream = stream;
    this.#bytes.clear();
    this.passed(this.#jsonBytes);
    stream.add(reply.content.body);
    return {...reply, content: {isText: this.#form === resultForm.text, body: reply.content.body, isPart: true}, stream};
  }

  /** So many bytes of it need no room any more: the bridge may send as many again. */
  passed(bytes: number): void {
    this.#passed += bytes;
    if (this.#passed + windowBytes - this.#granted >= creditStep) this.#grant(this.#passed + windowBytes);
  }

  /** @throws BrokenFrames */
  begin(form: number, jsonBytes: number, bodyBytes: number): void {
    if (this.#form !== undefined) throw new BrokenFrames('a second RESULT for a call');
    if (form > resultForm.bytes) throw new BrokenFrames(`a RESULT of form ${form}`);
    this.#form = form;
    this.#jsonBytes = jsonBytes;
    this.#total = bodyBytes === unknownBytes ? undefined : jsonBytes + bodyBytes;
    const known = this.#total ?? jsonBytes;
    if (known > mostKnownBytes) throw new BrokenFrames(`a RESULT of ${known} bytes`);
    if (this.#isDropped) this.#letThrough();
    else if (known > this.#house.maxBytes) this.#house.refuse(tooLarge());
    else this.#takeRoom(known);
  }

  /** @throws BrokenFrames */
  more(): void {
    if (this.#form === undefined) throw new BrokenFrames('DATA before its RESULT');
  }

  /** The message of an error comes in its place. @throws BrokenFrames */
  fail(bytes: number): void {
    if (bytes > longestMessage) throw new BrokenFrames(`a FAILED of ${bytes} bytes, longest = ${longestMessage}`);
    this.#isFailed = true;
    this.#bytes.clear();
    this.#received = 0;
    this.#total = bytes;
  }

  /** @throws BrokenFrames */
  take(chunk: Buffer, from: number, to: number): void {
    this.#received += to - from;
    if (this.#total !== undefined && this.#received > this.#total) throw new BrokenFrames('more bytes than its RESULT announced');
    if (!this.#isFailed && this.#received > this.#granted) throw new BrokenFrames('more bytes of a reply than it has credit for');
    if (this.#isDropped) return;
    if (this.#stream && !this.#isFailed) {
      this.#stream.add(Buffer.from(chunk.subarray(from, to)));
      return;
    }
    this.#bytes.add(chunk, from, to, this.#total === undefined ? Number.POSITIVE_INFINITY : this.#total - this.#received);
    if (this.#total === undefined) this.#goOn();
  }

  /** Nobody waits for it any more. Its bytes come all the same, and are forgotten: its place is free once it has ended. */
  drop(): void {
    if (this.#isDropped) return;
    this.#isDropped = true;
    this.#bytes.clear();
    if (this.#form !== undefined && !this.#isFailed) this.#letThrough();
  }

  #letThrough(): void {
    if (this.#total === undefined) this.#house.cancel();
    else this.#grant(this.#total);
  }

  /** Undefined when its JSON is not UTF-8. */
  read(): ChannelReply | undefined {
    const bytes = this.#bytes.read();
    if (this.#isFailed) return {status: 500, json: bytes.toString('utf8'), content: undefined};
    const json = bytes.subarray(0, this.#jsonBytes);
    if (!isUtf8(json)) return undefined;
    return {
      status: 200,
      json: json.length > 0 ? json.toString('utf8') : undefined,
      content: this.#content(bytes.subarray(this.#jsonBytes)),
    };
  }

  #content(body: Buffer): ChannelReply['content'] {
    if (this.#form === resultForm.json) return undefined;
    return {isText: this.#form === resultForm.text && isUtf8(body), body};
  }

  /** Charges the reply. While there is no room, the bridge gets no credit for more than its window. */
  #takeRoom(bytes: number): void {
    if (this.#waitsForRoom) return;
    this.#waitsForRoom = true;
    const isGiven = this.#house.hold?.growReply(bytes, fault => {
      this.#waitsForRoom = false;
      if (fault) this.#house.refuse(fault);
      else this.#gotRoom();
    });
    if (isGiven === false) return;
    this.#waitsForRoom = false;
    this.#gotRoom();
  }

  #gotRoom(): void {
    if (this.#isDropped) return;
    if (this.#total !== undefined && this.#total > windowBytes) this.#bytes.reserve(this.#total);
    this.#grant(this.#total ?? this.#received + windowBytes);
  }

  #grant(bytes: number): void {
    if (bytes <= this.#granted) return;
    this.#house.credit(bytes - this.#granted);
    this.#granted = bytes;
  }

  /** A reply of unknown length gets more credit as there is room. */
  #goOn(): void {
    if (this.#received > this.#house.maxBytes) this.#house.refuse(tooLarge());
    else if (this.#granted - this.#received <= creditStep) this.#takeRoom(this.#received);
  }
}
