import {randomBytes} from 'node:crypto';
import {closeSync, openSync, rmSync, statfsSync, statSync, writeSync} from 'node:fs';
import path from 'node:path';
import {modeLike} from './file.ts';

/** Written again and again: no file system that compresses makes less of it. */
const block = randomBytes(2 ** 18);

/**
A file beside the journal whose room is kept for the moment when the disk is full: once it is removed, what is in the
write-ahead log can be written into the database, and old payloads can be removed.
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

  /** What the disk has left is so little that the journal should take no more of it. */
  get isDiskLow(): boolean {
    return freeBytes(this.#path) < this.#bytes;
  }

  /** After so many bytes more there is as much left as the reserve has. */
  leaves(bytes: number): boolean {
    return freeBytes(this.#path) >= bytes + this.#bytes;
  }

  /** There is room for the reserve and as much beside it. */
  get isDiskRoomy(): boolean {
    return freeBytes(this.#path) >= 2 * this.#bytes;
  }

  /** @throws whatever the disk says; then there is none */
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

  /** @returns whether there was one */
  giveUp(): boolean {
    const wasThere = this.isThere;
    rmSync(this.#path, {force: true});
    this.isThere = false;
    return wasThere;
  }
}

/** As good as endless where the file system does not say. */
export function freeBytes(file: string): number {
  const {blocks, bavail, bsize} = statfsSync(path.dirname(file));
  return blocks === 0 ? Number.MAX_SAFE_INTEGER : bavail * bsize;
}

/** Of the whole file system. */
export function diskBytes(file: string): number {
  const {blocks, bsize} = statfsSync(path.dirname(file));
  return blocks * bsize || Number.MAX_SAFE_INTEGER;
}
