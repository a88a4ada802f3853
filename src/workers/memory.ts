import {readFileSync} from 'node:fs';
import type {Clock} from '../clock.ts';

const pollMs = 250;

/** Resident bytes of a process. Linux tells it in /proc; elsewhere it stays unknown. */
export function residentBytes(pid: number): number | undefined {
  try {
    const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}

/** Resolves true when the process holds more resident bytes than the limit, false when it is over before. */
export async function outgrows(pid: number, limitBytes: number, clock: Clock, over: AbortSignal): Promise<boolean> {
  while (await clock.sleep(pollMs, over)) {
    if ((residentBytes(pid) ?? 0) > limitBytes) return true;
  }
  return false;
}
