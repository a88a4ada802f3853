import {closeSync, readdirSync, readFileSync} from 'node:fs';

/** fcntl.h on Linux; /proc tells the flags in octal. */
const closeOnExec = 0o2000000;

/**
Closes what this process was started with beyond stdin, stdout and stderr: whatever it starts would have it, too, and the
function is to have nothing of ours. Node closes its own descriptors, and the first few of others, in what it starts; those
stay as they are. Where there is no /proc nothing is done.
*/
export function closeInherited(): void {
  for (const descriptor of listed()) {
    if (descriptor > 2 && isPassedOn(descriptor)) closeSync(descriptor);
  }
}

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
    return false; // the descriptor with which the folder was read
  }
}
