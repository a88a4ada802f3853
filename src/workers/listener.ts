import {readdirSync, readFileSync, readlinkSync} from 'node:fs';
import type {Clock} from '../clock.ts';
import {groupMembers} from './group.ts';
import {accepts} from './port.ts';

const pollMs = 10;

/**
A foreign sub-runtime is ready when its port accepts and the listener is its own.

@returns false when `over` aborts before
*/
export async function awaitListener(
  {host, port, group}: {host: string; port: number; group: number},
  clock: Clock,
  over: AbortSignal,
): Promise<boolean> {
  while (!over.aborted) {
    if ((await accepts(host, port)) && listensThere(port, group) !== false) return true;
    await clock.sleep(pollMs, over);
  }
  return false;
}

/**
Whether the process that listens on a loopback port belongs to the process group of `pid`.
Undefined where the system does not tell (no /proc, another user's process).
*/
export function listensThere(port: number, pid: number): boolean | undefined {
  try {
    const inodes = listeningInodes(port);
    if (inodes.size === 0) return undefined;
    let couldRead = false;
    for (const member of groupMembers(pid)) {
      const held = socketsOf(member);
      couldRead ||= held !== undefined;
      if (held?.some(inode => inodes.has(inode))) return true;
    }
    return couldRead ? false : undefined;
  } catch {
    return undefined;
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

function socketsOf(pid: string): string[] | undefined {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap(descriptor => {
      const [, inode] = /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${descriptor}`)) ?? [];
      return inode ? [inode] : [];
    });
  } catch {
    return undefined;
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
