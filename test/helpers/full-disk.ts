import {execFileSync} from 'node:child_process';
import {mkdtempSync, rmdirSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

export interface SmallDisk {
  readonly folder: string;
  /** Leaves no byte free. */
  fill(): void;
  /** Frees what `fill` took. */
  free(): void;
}

/** Root can mount a file system of its own. */
export const canMount = process.getuid?.() === 0;

/** A file system of so many bytes, in memory; it goes with the test. */
export function smallDisk(t: {teardown(undo: () => void): void}, size: string): SmallDisk {
  const folder = mkdtempSync(join(tmpdir(), 'disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder]);
  t.teardown(() => {
    execFileSync('umount', ['-l', folder]);
    rmdirSync(folder);
  });
  const filler = join(folder, 'filler');
  return {
    folder,
    fill() {
      try {
        for (let bytes = 2 ** 16; ; ) writeFileSync(filler, Buffer.alloc(bytes), {flag: 'a'});
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
    },
    free: () => rmSync(filler),
  };
}
