import {protocolBroken} from '../../src/hop/fault.ts';
import {type AnswerHead, readHead} from './answer-head.ts';
import {Chunks} from './chunks.ts';

/** The head of an answer may be as large as that of a request. */
const mostHeadBytes = 2 ** 20;

/** Who waits for an answer. Nothing is called any more once the reader was stopped. */
export interface AnswerTaker {
  /** An interim answer (1xx). The answer follows. */
  interim(head: AnswerHead): void;
  /** The connection speaks another protocol from now on, whose bytes follow as pieces. @param rest what came of it already */
  switched(head: AnswerHead, rest: Buffer): void;
  /** All of an answer came in one piece. */
  cameWhole(head: AnswerHead, body: Buffer, trailers: readonly string[]): void;
  /** The beginning of an answer came, and its rest is to come. */
  headCame(head: AnswerHead): void;
  /** @param bytes to be copied before it returns: their buffer is used again */
  piece(bytes: Buffer): void;
  ended(trailers: readonly string[]): void;
}

type Part = 'head' | 'body' | 'over';

/** Reads the answers that come on a connection, one after another. */
export class AnswerReader {
  #part: Part = 'over';
  #isOfHead = false;
  /** The beginning of a head that has not come whole. */
  #text = '';
  #head: AnswerHead | undefined;
  #chunks: Chunks | undefined;
  /** Bytes of a body of known length that are still to come. */
  #left = 0;
  /** How long its connection may wait for the next request; 0: it has had its last answer. */
  keepMs = 0;

  /** A request was sent. @param isOfHead by the method HEAD */
  expect(isOfHead: boolean): void {
    this.#part = 'head';
    this.#isOfHead = isOfHead;
    this.keepMs = 0;
  }

  /** Nobody wants the rest. */
  stop(): void {
    this.#part = 'over';
    this.#text = '';
    this.#head = undefined;
    this.#chunks = undefined;
  }

  /**
  Bytes came. Nothing holds them when it returns. They are changed within their buffer.

  @throws Fault UPSTREAM_PROTOCOL
  */
  read(bytes: Buffer, taker: AnswerTaker): void {
    if (this.#part === 'head') this.#readHeads(bytes, taker);
    else if (this.#part === 'body') this.#readBody(bytes, 0, taker, false);
  }

  /** The server has ended its side. @returns false when that is not the end of an answer */
  end(taker: AnswerTaker): boolean {
    if (this.#part !== 'body' || this.#left !== Number.POSITIVE_INFINITY) return false;
    this.stop();
    taker.ended(none);
    return true;
  }

  #readHeads(bytes: Buffer, taker: AnswerTaker): void {
    for (let at = 0; at < bytes.length && this.#part === 'head'; ) {
      const end = this.#endOfHead(bytes, at);
      if (end === -1) return;
      const text = this.#text + bytes.toString('latin1', at, end);
      this.#text = '';
      if (text.length > mostHeadBytes) throw tooLarge();
      const head = readHead(text, this.#isOfHead);
      at = end;
      if (head.isSwitch) {
        this.#part = 'body';
        this.#left = Number.POSITIVE_INFINITY;
        taker.switched(head, Buffer.from(bytes.subarray(at)));
        return;
      }
      if (head.status < 200) taker.interim(head);
      else {
        this.#beginBody(head, bytes, at, taker);
        return;
      }
    }
  }

  /** @returns where the head has ended; -1 when its end has not come: then its beginning is kept */
  #endOfHead(bytes: Buffer, at: number): number {
    if (this.#text === '') {
      const end = bytes.indexOf('\r\n\r\n', at, 'latin1');
      if (end !== -1) return end + 4;
    }
    const before = this.#text.length;
    const text = this.#text + bytes.toString('latin1', at);
    const end = text.indexOf('\r\n\r\n', Math.max(0, before - 3));
    if (end !== -1) return at + end + 4 - before;
    if (text.length > mostHeadBytes) throw tooLarge();
    // A head that is wrong from its beginning is not waited for.
    if (!(text.startsWith('HTTP/1.') || 'HTTP/1.'.startsWith(text)) || bareLineFeed.test(text.slice(Math.max(0, before - 1))))
      throw protocolBroken('its answer does not begin as one');
    this.#text = text;
    return -1;
  }

  #beginBody(head: AnswerHead, bytes: Buffer, at: number, taker: AnswerTaker): void {
    this.#head = head;
    this.#part = 'body';
    this.#left = 0;
    if (head.length === 'chunked') this.#chunks = new Chunks();
    else this.#left = head.length === 'until the end' ? Number.POSITIVE_INFINITY : head.length;
    this.#readBody(bytes, at, taker, true);
  }

  /** @param isFirst its head is in the same buffer */
  #readBody(bytes: Buffer, at: number, taker: AnswerTaker, isFirst: boolean): void {
    const chunks = this.#chunks;
    let behind: number;
    let contentEnd: number;
    let isOver: boolean;
    if (chunks) {
      behind = chunks.read(bytes, at);
      ({contentEnd, isOver} = chunks);
    } else {
      contentEnd = Math.min(bytes.length, at + this.#left);
      behind = contentEnd;
      this.#left -= contentEnd - at;
      isOver = this.#left === 0;
    }
    const head = this.#head;
    if (isOver) {
      this.stop();
      this.keepMs = behind === bytes.length ? (head?.keepMs ?? 0) : 0; // what stands behind it belongs to no call
    }
    const content = contentEnd > at ? bytes.subarray(at, contentEnd) : nothing;
    const trailers = chunks?.trailers ?? none;
    if (head && isFirst && isOver) {
      taker.cameWhole(head, Buffer.from(content), trailers);
      return;
    }
    if (head && isFirst) taker.headCame(head);
    if (content.length > 0) taker.piece(content);
    if (isOver) taker.ended(trailers);
  }
}

/** A line that ends without CR: two readers may see two heads. */
const bareLineFeed = /[^\r]\n/;

const tooLarge = () => protocolBroken('the head of its answer is larger than 1 MiB');

const nothing: Buffer = Buffer.alloc(0);
const none: readonly string[] = [];
