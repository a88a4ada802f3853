import {protocolBroken} from '../../src/hop/fault.ts';
import {readFields} from './field-lines.ts';

/** The longest line with the size of a chunk, which may have extensions. */
const mostLineBytes = 16 * 2 ** 10;

/** What stands behind the last chunk may be as large as a head. */
const mostTrailerBytes = 2 ** 20;

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** A size of more digits would be no safe number. Extensions mean nothing to us (RFC 9112 §7.1.1). */
const sizeLine = /^([0-9a-f]{1,13})(?:;[\t\x20-\x7e\x80-\xff]*)?$/i;
/** The same line as far as it may have come. */
const sizeBegun = /^[0-9a-f]{0,13}(?:;[\t\x20-\x7e\x80-\xff]*)?\r?$/i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are meant
const trailerBegun = /^[^\x00-\x08\x0a-\x0c\x0e-\x1f\x7f]*$/;

type Part = 'size' | 'content' | 'behind content' | 'trailers' | 'over';

/** Takes a body in chunks out of its chunks (RFC 9112 §7.1). */
export class Chunks {
  /** Name, value, name, value … that came behind the last one. */
  trailers: readonly string[] = [];
  /** Where the content ends that the last read has left in its buffer. */
  contentEnd = 0;
  #part: Part = 'size';
  /** Bytes of the present chunk that are still to come. */
  #left = 0;
  /** The beginning of a line that has not come whole. */
  #line = '';
  #trailerText = '';

  get isOver(): boolean {
    return this.#part === 'over';
  }

  /**
  Moves the content together within the buffer: it begins at `from`, and ends at `contentEnd`.

  @returns where the bytes begin that are not of the body; the length of the buffer while it is not over
  @throws Fault UPSTREAM_PROTOCOL
  */
  read(bytes: Buffer, from: number): number {
    let at = from;
    let contentEnd = from;
    while (at < bytes.length && this.#part !== 'over') {
      if (this.#part === 'content') {
        const end = Math.min(bytes.length, at + this.#left);
        if (contentEnd !== at) bytes.copyWithin(contentEnd, at, end);
        contentEnd += end - at;
        this.#left -= end - at;
        at = end;
        if (this.#left === 0) this.#part = 'behind content';
      } else at = this.#readLine(bytes, at);
    }
    this.contentEnd = contentEnd;
    return at;
  }

  /** @returns where the next line begins */
  #readLine(bytes: Buffer, at: number): number {
    const end = bytes.indexOf(lineFeed, at);
    const line = this.#line + bytes.toString('latin1', at, end === -1 ? bytes.length : end);
    const most = this.#part === 'trailers' ? mostTrailerBytes - this.#trailerText.length : mostLineBytes;
    if (line.length > most) throw protocolBroken('what stands beside its chunks is too long');
    if (end === -1) {
      this.#check(line);
      this.#line = line;
      return bytes.length;
    }
    this.#line = '';
    if (line.charCodeAt(line.length - 1) !== carriageReturn) throw badChunk();
    this.#end(line.slice(0, -1));
    return end + 1;
  }

  /** A line that is wrong from its beginning is not waited for. */
  #check(line: string): void {
    if (this.#part === 'size' ? !sizeBegun.test(line) : this.#part === 'trailers' ? !trailerBegun.test(line) : line !== '\r')
      throw badChunk();
  }

  #end(line: string): void {
    switch (this.#part) {
      case 'size': {
        const size = sizeLine.exec(line)?.[1];
        if (size === undefined) throw badChunk();
        this.#left = Number.parseInt(size, 16);
        this.#part = this.#left === 0 ? 'trailers' : 'content';
        break;
      }
      case 'behind content':
        if (line !== '') throw badChunk();
        this.#part = 'size';
        break;
      default:
        if (line !== '') this.#trailerText += `${line}\r\n`;
        else {
          this.trailers = readFields(this.#trailerText, 0, this.#trailerText.length);
          this.#part = 'over';
        }
    }
  }
}

const badChunk = () => protocolBroken('a chunk of its answer is none');
