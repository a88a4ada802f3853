import {readdirSync, readFileSync, readlinkSync} from 'node:fs';
import type {Clock} from '../../clock.ts';
import {groupMembers} from '../proc/group.ts';
import {isGone} from '../proc/stat.ts';
import {accepts} from './port.ts';

const pollMs = 10;
/** When this many looks in a row find no listener at a port that accepts, the tables of this system do not list listeners. */
const unlistedLooks = 3;

/** Who listens on a port. `none`: no listener is listed; `unknown`: the system does not say (no /proc, another user's process). */
export type Listener = 'own' | 'other' | 'none' | 'unknown';

/**
A foreign sub-runtime is ready when its port accepts and the listener is its own. A listener that took the connection but is
gone when its owner is looked up belonged to another process: then we look again.

@returns false when `over` aborts before
*/
export async function awaitListener(
  {host, port, group}: {host: string; port: number; group: number},
  clock: Clock,
  over: AbortSignal,
): Promise<boolean> {
  for (let unlisted = 0; !over.aborted; ) {
    const listener = (await accepts(host, port)) ? listenerOf(port, group) : 'other';
    unlisted = listener === 'none' ? unlisted + 1 : 0;
    if (listener === 'own' || listener === 'unknown' || unlisted === unlistedLooks) return !over.aborted;
    await clock.sleep(pollMs, over);
  }
  return false;
}

/** Whether the process that listens on a loopback port belongs to this process group. */
export function listenerOf(port: number, group: number): Listener {
  try {
    const inodes = listeningInodes(port);
    if (inodes.size === 0) return 'none';
    let couldRead = false;
    for (const member of groupMembers(group)) {
      const held = socketsOf(member);
      couldRead ||= held !== undefined;
      if (held?.some(inode => inodes.has(inode))) return 'own';
    }
    return couldRead ? 'other' : 'unknown';
  } catch {
    return 'unknown';
  }
}

/** /proc/net/tcp: the second column is address:port in hex, the fourth the state (0A listens), the tenth the inode. */
function listeningInodes(port: number): Set<string> {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const inodes = new Set<string>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const row of readFileSync(table, 'utf8').split('\n').slice(1)) {
      const columns = row.trim().split(/\s+/);
      if (columns[3] === '0A' && columns[1]?.endsWith(`:${hex}`) && columns[9]) inodes.add(columns[9]);
    }
  }
  return inodes;
}

/** The inodes of a process's sockets; undefined when they are hidden from us. A process that has ended has none. */
function socketsOf(pid: string): string[] | undefined {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap(descriptor => {
      const [, inode] = /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${descriptor}`)) ?? [];
      return inode ? [inode] : [];
    });
  } catch {
    return isGone(pid) ? [] : undefined;
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
