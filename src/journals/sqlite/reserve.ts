import {randomBytes} from 'node:crypto';
import {closeSync, openSync, rmSync, statfsSync, statSync, writeSync} from 'node:fs';
import path from 'node:path';
import {modeLike} from './file.ts';

/** The content of the reserve, repeated. It is random, so that a file system cannot compress it. */
const block = randomBytes(2 ** 18);

/**
A file beside the journal that keeps room for the moment when the disk is full. Once it is removed, there is room to write
the write-ahead log into the database, and to remove old payloads.
*/
export class Reserve {
  readonly #journalPath: string;
  readonly #path: string;
  readonly #bytes: number;
  isThere: boolean;

  constructor(journalPath: string, bytes: number) {
    this.#journalPath = journalPath;
    this.#path = `${journalPath}.reserve`;
    this.#bytes = bytes;
    this.isThere = statSync(this.#path, {throwIfNoEntry: false}) !== undefined;
  }

  /** The disk has so little left that the journal should take no more. */
  get isDiskLow(): boolean {
    return freeBytes(this.#path) < this.#bytes;
  }

  /** True when the disk, after these bytes, still has as much left as the reserve takes. */
  leaves(bytes: number): boolean {
    return freeBytes(this.#path) >= bytes + this.#bytes;
  }

  /** True when the disk has room for the reserve, and as much again. */
  get isDiskRoomy(): boolean {
    return freeBytes(this.#path) >= 2 * this.#bytes;
  }

  /** @throws Error of the disk; then no reserve is left behind */
  make(): void {
    const file = openSync(this.#path, 'w', modeLike(this.#journalPath));
    try {
      for (let written = 0; written < this.#bytes; ) {
        written += writeSync(file, block, 0, Math.min(block.length, this.#bytes - written));
      }
      this.isThere = true;
    } catch (error) {
      this.giveUp();
      throw error;
    } finally {
      closeSync(file);
    }
  }

  /** Removes the reserve. @returns whether it was there */
  giveUp(): boolean {
    const wasThere = this.isThere;
    rmSync(this.#path, {force: true});
    this.isThere = false;
    return wasThere;
  }
}

/** Free bytes of the disk; a very large number where the file system does not say. */
export function freeBytes(file: string): number {
  const {blocks, bavail, bsize} = statfsSync(path.dirname(file));
  return blocks === 0 ? Number.MAX_SAFE_INTEGER : bavail * bsize;
}

/** The size of the whole file system. */
export function diskBytes(file: string): number {
  const {blocks, bsize} = statfsSync(path.dirname(file));
  return blocks * bsize || Number.MAX_SAFE_INTEGER;
}
