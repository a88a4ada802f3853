import {closeSync, openSync, readSync, writeSync} from 'node:fs';
import {crc32} from 'node:zlib';
import type {Position} from '../../journal.ts';
import {makeFile} from './file.ts';

/** How far a journal was written. It is kept beside the database: one that ends before its mark has lost facts. */
export interface Mark {
  readonly position: Position;
  readonly checksum: number;
}

const slotBytes = 24;

/**
The file `<journal>.mark`: two slots that take turns, so that a write that is cut off damages only one. It is written after
the commit and never synced: after a power loss it may be behind the database, which does no harm, but never ahead.
*/
export class MarkFile implements Disposable {
  readonly #file: number;
  readonly #bytes = Buffer.alloc(slotBytes);
  #slot = 0;

  constructor(path: string) {
    makeFile(path, path.slice(0, -'.mark'.length));
    this.#file = openSync(path, 'r+');
  }

  write({position, checksum}: Mark): void {
    this.#bytes.writeBigUInt64LE(BigInt(position), 0);
    this.#bytes.writeUInt32LE(checksum, 8);
    this.#bytes.writeUInt32LE(crc32(this.#bytes.subarray(0, 20)), 20);
    writeSync(this.#file, this.#bytes, 0, slotBytes, this.#slot * slotBytes);
    this.#slot = 1 - this.#slot;
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}

/** The newer of both slots; undefined when no mark exists, 'unreadable' when neither slot is whole. */
export function readMark(path: string): Mark | 'unreadable' | undefined {
  const bytes = Buffer.alloc(2 * slotBytes);
  let read = 0;
  try {
    const file = openSync(path, 'r');
    read = readSync(file, bytes, 0, bytes.length, 0);
    closeSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined; // openSync throws only errors of the system
    throw error;
  }
  if (read === 0) return undefined;
  let newest: Mark | 'unreadable' = 'unreadable';
  for (const slot of [bytes.subarray(0, slotBytes), bytes.subarray(slotBytes)]) {
    if (crc32(slot.subarray(0, 20)) !== slot.readUInt32LE(20)) continue;
    const mark = {position: Number(slot.readBigUInt64LE(0)), checksum: slot.readUInt32LE(8)};
    if (newest === 'unreadable' || mark.position > newest.position) newest = mark;
  }
  return newest;
}
