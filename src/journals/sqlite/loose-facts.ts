import type {Fact} from '../../facts.ts';
import {lineHead, writeLine} from './line.ts';

/*
Facts as bytes. The two facts of a call that went well are an id and a few whole numbers: as JSON they cost four times as much,
in the core's thread that makes them and in the writer's that compresses them, and are no smaller in the end. So they stay
numbers until somebody reads them. Every other fact is its line.

A record of a fact is 20 words of 32 bits, the lowest byte first: its kind, the time in two words, eight numbers of which each is one more than its
value (0: there is none), and the id in ASCII. Times are whole microseconds. Lines are one word with their length in bytes and
the highest bit, the bytes, and zeros up to the next word.
*/

/** Members that are whole numbers, and members that are milliseconds, by their words. */
const wholes: Places = places({bytes: 3, attempt: 4, status: 5, pid: 10});
const times: Places = places({durationMs: 6, waitedMs: 7, calledAtMs: 8, calledMs: 9});
const [firstNumber, idWord, recordWords] = [3, 11, 20];
const recordBytes = 4 * recordWords;
const kinds = {accepted: 1, settled: 2} as const;
const isLines = 2 ** 31;
/** Numbers are one more than they say. */
const most = 2 ** 32 - 2;
/** The one member of each that is a text, where it says the usual. */
const usual = {source: 'http', outcome: 'responded'} as const;

const prefix = 'invocation.';
/** That and a UUID, which is ASCII. */
const streamLength = prefix.length + 36;

const firstBytes = 2 ** 14;
/** A larger buffer is not kept for the next facts. */
const mostKeptBytes = 2 ** 21;

type Places = Readonly<Record<string, number>>;

/** Without names of `Object`, which no member is. */
function places(some: Record<string, number>): Places {
  return Object.assign(Object.create(null), some);
}

/** Gathers facts as bytes. */
export class LooseFacts {
  #bytes = Buffer.allocUnsafeSlow(firstBytes);
  #words = new DataView(this.#bytes.buffer);
  /** Length so far: always a multiple of 4. */
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(stream: string, at: number, fact: Fact): void {
    if (!this.#addRecord(stream, at, fact)) this.addLines(writeLine(stream, at, fact));
  }

  addLines(lines: string): void {
    this.#room(4 + 3 * lines.length + 4);
    const written = this.#bytes.write(lines, this.#length + 4);
    this.#words.setUint32(this.#length, isLines + written, true);
    const end = this.#length + 4 + written;
    this.#length = Math.ceil(end / 4) * 4;
    this.#bytes.fill(0, end, this.#length);
  }

  /** Those that were taken elsewhere. */
  addAll(gathered: Uint8Array): void {
    this.#room(gathered.length);
    this.#bytes.set(gathered, this.#length);
    this.#length += gathered.length;
  }

  /** What was gathered, in memory of its own, as a message copies all the memory that an array is a part of. */
  take(): Uint8Array {
    const taken = Buffer.allocUnsafeSlow(this.#length);
    this.#bytes.copy(taken, 0, 0, this.#length);
    this.#length = 0;
    if (this.#bytes.length > mostKeptBytes) this.#grow(firstBytes);
    return taken;
  }

  /** @returns false when the fact says something that has no place in a record */
  #addRecord(stream: string, at: number, {type, data}: Fact): boolean {
    const isAccepted = type === 'invocation.accepted';
    if (!isAccepted && type !== 'invocation.settled') return false;
    if (stream.length !== streamLength || !(at >= 0) || !Number.isInteger(at)) return false;
    if (isAccepted ? data.source !== usual.source : data.outcome !== usual.outcome) return false;
    const main = isAccepted ? 'source' : 'outcome';
    this.#room(recordBytes);
    const words = this.#words;
    const first = this.#length;
    for (let word = firstNumber; word < idWord; word++) words.setUint32(first + 4 * word, 0, true);
    const members = data as Readonly<Record<string, unknown>>;
    for (const name in members) {
      if (name === main) continue;
      const value = members[name];
      if (value === undefined) continue;
      const [word, number] = [wholes[name] ?? times[name], wholes[name] === undefined ? microseconds(value) : value];
      if (word === undefined || typeof number !== 'number' || !(number >= 0 && number <= most) || !Number.isInteger(number)) return false;
      words.setUint32(first + 4 * word, number + 1, true);
    }
    words.setUint32(first, isAccepted ? kinds.accepted : kinds.settled, true);
    words.setUint32(first + 4, at / 2 ** 32, true);
    words.setUint32(first + 8, at, true);
    this.#bytes.write(stream.slice(prefix.length), first + 4 * idWord, 'latin1');
    this.#length += recordBytes;
    return true;
  }

  #room(bytes: number): void {
    let size = this.#bytes.length;
    while (this.#length + bytes > size) size *= 2;
    if (size !== this.#bytes.length) this.#grow(size);
  }

  #grow(size: number): void {
    const larger = Buffer.allocUnsafeSlow(size);
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
    this.#words = new DataView(larger.buffer);
  }
}

/** Undefined for a time that is not whole microseconds. */
function microseconds(ms: unknown): number | undefined {
  if (typeof ms !== 'number') return undefined;
  const whole = Math.round(ms * 1000);
  return whole / 1000 === ms ? whole : undefined;
}

/** The lines of what was gathered, in order. @throws RangeError when it is not what was gathered */
export function linesOf(gathered: Uint8Array): string {
  const bytes = Buffer.from(gathered.buffer, gathered.byteOffset, gathered.byteLength);
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const kind = bytes.readUInt32LE(at);
    if (kind >= isLines) {
      const length = kind - isLines;
      if (at + 4 + length > bytes.length) throw new RangeError('Lines are cut off');
      text += bytes.toString('utf8', at + 4, at + 4 + length);
      at += 4 + Math.ceil(length / 4) * 4;
    } else {
      if (at + recordBytes > bytes.length) throw new RangeError('A record is cut off');
      text += recordLine(bytes, at);
      at += recordBytes;
    }
  }
  return text;
}

function recordLine(bytes: Buffer, start: number): string {
  const isAccepted = bytes.readUInt32LE(start) === kinds.accepted;
  const id = bytes.toString('latin1', start + 4 * idWord, start + recordBytes);
  const at = bytes.readUInt32LE(start + 4) * 2 ** 32 + bytes.readUInt32LE(start + 8);
  const type = isAccepted ? 'invocation.accepted' : 'invocation.settled';
  let members = isAccepted ? `"source":"${usual.source}"` : `"outcome":"${usual.outcome}"`;
  for (const [name, word, unit] of read) {
    const number = bytes.readUInt32LE(start + 4 * word);
    if (number > 0) members += `,"${name}":${(number - 1) / unit}`;
  }
  return `${lineHead(prefix + id)}${at},"${type}",{${members}}]\n`;
}

const read: readonly (readonly [name: string, word: number, unit: number])[] = [
  ...Object.entries(wholes).map(([name, word]) => [name, word, 1] as const),
  ...Object.entries(times).map(([name, word]) => [name, word, 1000] as const),
].toSorted(([, one], [, other]) => one - other);
