import {readFileSync} from 'node:fs';
import type {Clock} from '../../clock.ts';
import {groupMembers} from '../proc/group.ts';

const pollMs = 250;

/** Resident bytes of a process group, pages that its processes share counted in each. 0 where there is no /proc. */
export function residentBytes(group: number): number {
  return sum(members(group), pid => bytesOf(`/proc/${pid}/status`, 'VmRSS') ?? 0);
}

/** Resolves true when a process group holds more bytes than the limit, false when it is over before. */
export async function outgrows(group: number, limitBytes: number, clock: Clock, over: AbortSignal): Promise<boolean> {
  while (await clock.sleep(pollMs, over)) {
    if (residentBytes(group) > limitBytes && ownBytes(group) > limitBytes) return true;
  }
  return false;
}

/** As `residentBytes`, but what is shared is counted once, which costs a walk through the memory of each process. */
function ownBytes(group: number): number {
  return sum(members(group), pid => bytesOf(`/proc/${pid}/smaps_rollup`, 'Pss') ?? bytesOf(`/proc/${pid}/status`, 'VmRSS') ?? 0);
}

function members(group: number): readonly string[] {
  try {
    return groupMembers(group);
  } catch {
    return [];
  }
}

/** A field of a file of /proc that is told in kilobytes; undefined when the process is gone, or is none that we may look at. */
function bytesOf(file: string, field: string): number | undefined {
  try {
    const [, kilobytes] = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(file, 'utf8')) ?? [];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}

const sum = (pids: readonly string[], bytes: (pid: string) => number) => pids.reduce((total, pid) => total + bytes(pid), 0);
