import {statSync} from 'node:fs';

/** The ends of the names of all files that a journal has open while it is written. */
const ends = ['', '-wal', '-shm', '.mark', '.lock'] as const;

export type FileChange = {readonly isLock: boolean; readonly problem: string};

/**
Remembers which files the names of a journal led to when it was opened. A process that has a file open can still write it
after it was removed, moved or replaced, but nobody would find what it wrote.
*/
export class OpenFiles {
  readonly #path: string;
  readonly #known: readonly string[];

  constructor(path: string) {
    this.#path = path;
    this.#known = ends.map(end => identityOf(path + end));
  }

  /** Takes some microseconds, for five names. @returns the first file that is another than the one that was opened */
  changed(): FileChange | undefined {
    for (const [index, end] of ends.entries()) {
      const now = identityOf(this.#path + end);
      if (now === this.#known[index]) continue;
      const problem = `${this.#path}${end} ${now === '' ? 'is gone' : 'is not the file that was opened'}`;
      return {isLock: end === '.lock' || this.#isOtherLock(), problem};
    }
    return undefined;
  }

  #isOtherLock(): boolean {
    return identityOf(`${this.#path}.lock`) !== this.#known[ends.indexOf('.lock')];
  }
}

/** Device and inode; '' when the file does not exist. */
function identityOf(file: string): string {
  const found = statSync(file, {throwIfNoEntry: false, bigint: true});
  return found ? `${found.dev} ${found.ino}` : '';
}
