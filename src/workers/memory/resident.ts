import {readFileSync} from 'node:fs';
import type {Clock} from '../../clock.ts';
import {groupMembers} from '../proc/group.ts';

const pollMs = 250;

/** Resident bytes of a process group; pages that its processes share count in each. 0 where there is no /proc. */
export function residentBytes(group: number): number {
  return sum(members(group), pid => bytesOf(`/proc/${pid}/status`, 'VmRSS') ?? 0);
}

/** Resolves to true when a process group holds more bytes than the limit, to false when `over` aborts before. */
export async function outgrows(group: number, limitBytes: number, clock: Clock, over: AbortSignal): Promise<boolean> {
  while (await clock.sleep(pollMs, over)) {
    if (residentBytes(group) > limitBytes && ownBytes(group) > limitBytes) return true;
  }
  return false;
}

/** Like `residentBytes`, but shared pages count once. This costs a walk through the memory of each process. */
export function ownBytes(group: number): number {
  return sum(members(group), pid => bytesOf(`/proc/${pid}/smaps_rollup`, 'Pss') ?? bytesOf(`/proc/${pid}/status`, 'VmRSS') ?? 0);
}

function members(group: number): readonly string[] {
  try {
    return groupMembers(group);
  } catch {
    return [];
  }
}

/** A field in kilobytes of a file in /proc, as bytes; undefined when the process is gone or we may not look at it. */
function bytesOf(file: string, field: string): number | undefined {
  try {
    const [, kilobytes] = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(file, 'utf8')) ?? [];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}

const sum = (pids: readonly string[], bytes: (pid: string) => number) => pids.reduce((total, pid) => total + bytes(pid), 0);
