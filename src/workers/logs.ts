import type {Readable} from 'node:stream';

/** A longer line is handed on in parts of this many bytes, each but the last with the mark at its end. */
export const longestLineBytes = 64 * 2 ** 10;
export const cutMark = ' [line goes on]';

/**
Reads a stream of lines for ever, in chunks, and never holds more than one part of a line.
Bytes that are not UTF-8 become U+FFFD. The last line needs no newline.

@param longestBytes a longer line comes in parts of this many bytes
*/
export function readLines(stream: Readable, onLine: (line: string) => void, longestBytes = longestLineBytes): void {
  let held: Buffer[] = [];
  let heldBytes = 0;

  stream.on('data', (chunk: Buffer) => {
    let start = 0;
    while (start < chunk.length) {
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
      if (newline !== -1) endLine();
      start = end + 1;
    }
  });
  stream.on('end', () => {
    if (heldBytes > 0) endLine();
  });
  // The pipe of a process that is gone: its end is told by the process itself.
  stream.on('error', () => {});

  function hold(part: Buffer) {
    held.push(part);
    heldBytes += part.length;
  }

  function endLine() {
    const line = (held.length === 1 && held[0] ? held[0] : Buffer.concat(held)).toString('utf8');
    held = [];
    heldBytes = 0;
    onLine(line.endsWith('\r') ? line.slice(0, -1) : line);
  }

  /** Hands on what is held; the start of a character whose other bytes are still to come stays. */
  function cut() {
    const bytes = Buffer.concat(held);
    const end = wholeCharacters(bytes);
    held = [bytes.subarray(end)];
    heldBytes = bytes.length - end;
    onLine(bytes.toString('utf8', 0, end) + cutMark);
  }
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
