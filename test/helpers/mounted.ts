import {execFileSync, spawnSync} from 'node:child_process';
import {mkdirSync, mkdtempSync, rmSync, statSync, truncateSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';

/** Why no file system can be mounted here; undefined when it can. */
export function whyNoMount(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'mounting a file system needs root on Linux';
  const probe = mkdtempSync(join(tmpdir(), 'mount-probe-'));
  try {
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'probe', probe]).status !== 0) return 'mount is not allowed here';
    spawnSync('umount', [probe]);
    return undefined;
  } finally {
    rmSync(probe, {recursive: true});
  }
}

/** A file system of its own of so many MiB, until the test ends: memory, or ext4 in a file. */
export function mounted(t: ExecutionContext, kind: 'tmpfs' | 'ext4', mebibytes: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'mounted-'));
  const target = join(folder, 'disk');
  mkdirSync(target);
  t.teardown(() => {
    spawnSync('umount', ['-l', target]);
    rmSync(folder, {recursive: true});
  });
  if (kind === 'tmpfs') execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'test', target]);
  else {
    const image = join(folder, 'image');
    execFileSync('truncate', ['-s', `${mebibytes}M`, image]);
    execFileSync('mkfs.ext4', ['-q', image]);
    execFileSync('mount', ['-o', 'loop', image, target]);
  }
  return target;
}

/** Fills what is left of a disk. @returns the file that does, to be removed */
export function fill(folder: string): string {
  const file = join(folder, 'filler');
  spawnSync('dd', ['if=/dev/zero', `of=${file}`, 'bs=64k'], {stdio: 'ignore'});
  topUp(file);
  return file;
}

/** Fills what is left of a disk now, with a file that did before. */
export function topUp(file: string): void {
  spawnSync('dd', ['if=/dev/zero', `of=${file}`, 'bs=512', 'oflag=append', 'conv=notrunc'], {stdio: 'ignore'});
}

/** Takes what is left of a disk, but so many KiB. */
export function leave(filler: string, kibibytes: number): void {
  topUp(filler);
  execFileSync('sync', ['-f', filler]); // until then the system keeps a little more back
  topUp(filler);
  truncateSync(filler, statSync(filler).size - kibibytes * 1024);
}
