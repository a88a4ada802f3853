import {chmod, mkdir, mkdtemp, realpath, rm, writeFile} from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type {Teardown} from './core.ts';

/** A folder with these files, gone when the test ends. A text that begins like a program's is made executable. */
export async function folderWith(t: Teardown, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await realpath(await mkdtemp(path.join(os.tmpdir(), 'core-runtime-')));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(folder, name);
    await mkdir(path.dirname(file), {recursive: true});
    await writeFile(file, text);
    if (/^(#!|\x7fELF)/.test(text)) await chmod(file, 0o755);
  }
  return folder;
}
