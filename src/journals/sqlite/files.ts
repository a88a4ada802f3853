import {statSync} from 'node:fs';

/** What a journal has open for as long as it is written. */
const ends = ['', '-wal', '-shm', '.mark', '.lock'] as const;

export type FileChange = {readonly isLock: boolean; readonly problem: string};

/**
Which files the names of a journal stood for when it was opened. A file that was removed, moved or replaced can still be
written by whoever has it open, but nobody will find there what was written.
*/
export class OpenFiles {
  readonly #path: string;
  readonly #known: readonly string[];

  constructor(path: string) {
    this.#path = path;
    this.#known = ends.map(end => identityOf(path + end));
  }

  /** Five looks at names, some microseconds. @returns the first file that is not the one that was opened */
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

/** Device and inode; '' when there is no such file. */
function identityOf(file: string): string {
  const found = statSync(file, {throwIfNoEntry: false, bigint: true});
  return found ? `${found.dev} ${found.ino}` : '';
}
