import {closeSync, readdirSync, readFileSync, readlinkSync, realpathSync} from 'node:fs';
import {attempt} from '../../attempt.ts';

/** fcntl.h on Linux; /proc writes the flags in octal. */
const closeOnExec = 0o2000000;

/**
Closes the descriptors that this process was started with, except stdin, stdout and stderr. Its children would inherit them,
and the function must not have them. Descriptors that Node itself closes in its children stay as they are. Does nothing where
there is no /proc.

@param readFiles what Node reads in a thread while it starts, such as NODE_EXTRA_CA_CERTS: OpenSSL opens it like an inherited
descriptor, and the process would end if it were closed meanwhile
@param proc what the system says of this process
*/
export function closeInherited(readFiles: readonly (string | undefined)[] = [], proc = '/proc/self'): void {
  const kept = new Set(readFiles.map(file => file && attempt(() => realpathSync(file))));
  for (const descriptor of listed(proc)) {
    if (descriptor <= 2 || !isPassedOn(proc, descriptor)) continue;
    const opened = attempt(() => readlinkSync(`${proc}/fd/${descriptor}`));
    // That thread may have closed it since.
    if (opened !== undefined && !kept.has(opened)) attempt(() => closeSync(descriptor));
  }
}

function listed(proc: string): readonly number[] {
  return attempt(() => readdirSync(`${proc}/fdinfo`).map(Number)) ?? [];
}

/** False also for the descriptor through which the folder was read, which is closed by now. */
function isPassedOn(proc: string, descriptor: number): boolean {
  const info = attempt(() => readFileSync(`${proc}/fdinfo/${descriptor}`, 'utf8')) ?? '';
  const [, flags] = /^flags:\s+(\d+)$/m.exec(info) ?? [];
  return flags !== undefined && (Number.parseInt(flags, 8) & closeOnExec) === 0;
}
