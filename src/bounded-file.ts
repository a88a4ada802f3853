import {closeSync, openSync, readSync} from 'node:fs';

const chunkBytes = 65_536;

/**
Reads a file of text, a pipe as well. No more than the bound is read of one that has no end, such as /dev/zero.

@param maxBytes most that it may have
@throws the error of the system; RangeError when it is longer
*/
export function readBounded(file: string, maxBytes: number): string {
  const descriptor = openSync(file, 'r');
  try {
    const chunks: Buffer[] = [];
    for (let bytes = 0; ; ) {
      const chunk = Buffer.allocUnsafe(chunkBytes);
      const read = readSync(descriptor, chunk);
      if (read === 0) return Buffer.concat(chunks).toString('utf8');
      bytes += read;
      if (bytes > maxBytes) throw new RangeError(`it has more than ${maxBytes} bytes`);
      chunks.push(chunk.subarray(0, read));
    }
  } finally {
    closeSync(descriptor);
  }
}
