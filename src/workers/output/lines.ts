import type {Readable} from 'node:stream';

/*
Lines end at LF and nowhere else. `node:readline` ends them at U+2028 and U+2029, too, which JSON text may hold as they
are: it would tear records.
*/

/** A longer line is handed on in parts of this many bytes; each part but the last ends with the mark. */
export const longestLineBytes = 64 * 2 ** 10;
export const cutMark = ' [line goes on]';

export interface ReadLinesOptions {
  /** A longer line comes in parts of this many bytes. */
  readonly longestBytes?: number;
  /** Asked before each line whether there is room for it; counts the lines that were dropped. */
  readonly budget?: {take(bytes: number): boolean; drop(lines: number): void};
  /** The unfinished last line counts, even when the stream is destroyed before its end. */
  readonly keepsRest?: boolean;
  /** Called when the last line has no end. It is not handed on then: part of a record means nothing. */
  readonly torn?: () => void;
}

/**
Reads the lines of a stream until it ends, in chunks, and never holds more than one part of a line.
Bytes that are not UTF-8 become U+FFFD. The last line needs no newline, unless `torn` is given.
*/
export function readLines(
  stream: Readable,
  onLine: (line: string) => void,
  {longestBytes = longestLineBytes, budget, keepsRest = false, torn}: ReadLinesOptions = {},
): void {
  let held: Buffer[] = [];
  let heldBytes = 0;
  /** The rest of the present line is dropped, too. */
  let isDropping = false;

  stream.on('data', (chunk: Buffer) => {
    let start = 0;
    while (start < chunk.length) {
      if (isDropping) {
        start = skipLine(chunk, start);
        continue;
      }
      const newline = chunk.indexOf(10, start);
      const end = newline === -1 ? chunk.length : newline;
      const room = longestBytes - heldBytes;
      if (end - start > room) {
        hold(chunk.subarray(start, start + room));
        cut();
        start += room;
        continue;
      }
      hold(chunk.subarray(start, end));
      start = end + 1;
      if (newline !== -1 && !endLine()) start = skipChunk(chunk, start);
    }
  });
  // A stream that is destroyed has no end.
  for (const event of keepsRest ? ['end', 'close'] : ['end']) {
    stream.on(event, () => {
      if (heldBytes === 0) return;
      if (torn) torn();
      else endLine();
    });
  }
  // The pipe of a process that is gone may fail; the exit of the process is reported elsewhere.
  stream.on('error', () => {});

  function hold(part: Buffer) {
    held.push(part);
    heldBytes += part.length;
  }

  /** False when the line was dropped. */
  function endLine(): boolean {
    const parts = held;
    const bytes = heldBytes;
    held = [];
    heldBytes = 0;
    if (budget && !budget.take(bytes)) {
      budget.drop(1);
      return false;
    }
    const line = (parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts)).toString('utf8');
    onLine(line.endsWith('\r') ? line.slice(0, -1) : line);
    return true;
  }

  /** Hands on what is held, but for the first bytes of a character whose other bytes are still to come. */
  function cut() {
    const bytes = Buffer.concat(held);
    if (budget && !budget.take(bytes.length)) {
      held = [];
      heldBytes = 0;
      isDropping = true;
      budget.drop(1); // now: it may have no end
      return;
    }
    const end = wholeCharacters(bytes);
    held = [bytes.subarray(end)];
    heldBytes = bytes.length - end;
    onLine(bytes.toString('utf8', 0, end) + cutMark);
  }

  /** Where the next line starts. */
  function skipLine(chunk: Buffer, start: number): number {
    const newline = chunk.indexOf(10, start);
    if (newline === -1) return chunk.length;
    isDropping = false;
    return newline + 1;
  }

  /** The budget is spent: drops the lines left in the chunk without a look at each. Its last, unfinished line is kept. */
  function skipChunk(chunk: Buffer, start: number): number {
    const last = chunk.lastIndexOf(10);
    let lines = 0;
    for (let at = start; at <= last; at++) if (chunk[at] === 10) lines++;
    budget?.drop(lines);
    return Math.max(start, last + 1);
  }
}

/** A longer line would not fit into one string. */
const longestWholeBytes = 2 ** 28;

/**
The whole lines of a stream, as the caller asks for them: the stream is read no faster. A CR before the LF is left out.

@throws RangeError for a line of more than 256 MiB, TypeError for bytes that are not UTF-8
*/
export async function* linesOf(stream: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', {fatal: true});
  const text = (parts: readonly Buffer[]) => decoder.decode(Buffer.concat(parts)).replace(/\r$/, '');
  let held: Buffer[] = [];
  let heldBytes = 0;
  for await (const chunk of stream) {
    let start = 0;
    for (let newline = chunk.indexOf(10); newline !== -1; newline = chunk.indexOf(10, start)) {
      yield text([...held, chunk.subarray(start, newline)]);
      held = [];
      heldBytes = 0;
      start = newline + 1;
    }
    held.push(chunk.subarray(start));
    heldBytes += chunk.length - start;
    if (heldBytes > longestWholeBytes) throw new RangeError(`Expected a line of at most ${longestWholeBytes} bytes`);
  }
  if (heldBytes > 0) yield text(held);
}

/** Where the last UTF-8 character begins when its bytes are not all there, else the end. */
function wholeCharacters(bytes: Buffer): number {
  for (let at = bytes.length - 1; at >= bytes.length - 3 && at >= 0; at--) {
    const byte = bytes[at] ?? 0;
    if ((byte & 0xc0) === 0x80) continue; // inside a character
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return at + length > bytes.length ? at : bytes.length;
  }
  return bytes.length;
}
