import {closeSync, readdirSync, readFileSync, realpathSync} from 'node:fs';
import {attempt} from '../../attempt.ts';

/** fcntl.h on Linux; /proc writes the flags in octal. */
const closeOnExec = 0o2000000;

/**
Closes the descriptors that this process was started with, except stdin, stdout and stderr. Its children would inherit them,
and the function must not have them. Descriptors that Node itself closes in its children stay as they are. Does nothing where
there is no /proc.

@param readFiles what Node reads in a thread while it starts, such as NODE_EXTRA_CA_CERTS: OpenSSL opens it like an inherited
descriptor, and the process would end if it were closed meanwhile
*/
export function closeInherited(readFiles: readonly (string | undefined)[] = []): void {
  const kept = new Set(readFiles.map(file => file && pathOf(file)));
  for (const descriptor of listed()) {
    if (descriptor > 2 && isPassedOn(descriptor) && !kept.has(pathOf(`/proc/self/fd/${descriptor}`) ?? '')) closeSync(descriptor);
  }
}

const pathOf = (file: string) => attempt(() => realpathSync(file));

function listed(): readonly number[] {
  try {
    return readdirSync('/proc/self/fdinfo').map(Number);
  } catch {
    return [];
  }
}

function isPassedOn(descriptor: number): boolean {
  try {
    const [, flags] = /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8')) ?? [];
    return flags !== undefined && (Number.parseInt(flags, 8) & closeOnExec) === 0;
  } catch {
    return false; // this was the descriptor through which the folder was read
  }
}
