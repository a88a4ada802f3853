import type {Readable} from 'node:stream';

/** A longer line is handed on in parts of this many bytes, each but the last with the mark at its end. */
export const longestLineBytes = 64 * 2 ** 10;
export const cutMark = ' [line goes on]';

/**
Reads a stream of lines for ever, in chunks, and never holds more than one part of a line.
Bytes that are not UTF-8 become U+FFFD. The last line needs no newline.
*/
export function readLines(stream: Readable, onLine: (line: string) => void): void {
  let held: Buffer[] = [];
  let heldBytes = 0;

  stream.on('data', (chunk: Buffer) => {
    let start = 0;
    while (start < chunk.length) {
      const newline = chunk.indexOf(10, start);
      const end = newline === -1 ? chunk.length : newline;
      const room = longestLineBytes - heldBytes;
      if (end - start > room) {
        hold(chunk.subarray(start, start + room));
        emit(cutMark);
        start += room;
        continue;
      }
      hold(chunk.subarray(start, end));
      if (newline !== -1) emit('');
      start = end + 1;
    }
  });
  stream.on('end', () => {
    if (heldBytes > 0) emit('');
  });
  // The pipe of a process that is gone: its end is told by the process itself.
  stream.on('error', () => {});

  function hold(part: Buffer) {
    held.push(part);
    heldBytes += part.length;
  }

  function emit(mark: string) {
    const line = held.length === 1 && held[0] ? held[0].toString('utf8') : Buffer.concat(held).toString('utf8');
    held = [];
    heldBytes = 0;
    onLine(line.endsWith('\r') ? line.slice(0, -1) + mark : line + mark);
  }
}
