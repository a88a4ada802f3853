import {spawnSync} from 'node:child_process';

/** The program itself when it starts; a shim of a version manager may be there and still refuse. */
export function works(binary: string): string | undefined {
  return spawnSync(binary, ['--version']).status === 0 ? binary : undefined;
}
