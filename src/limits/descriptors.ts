import {readFileSync} from 'node:fs';

/** How many descriptors each part of the core may hold at a time, so that strangers cannot take those it needs itself. */
export interface DescriptorShares {
  /** Connections of the public port. */
  readonly callers: number;
  /** Connections of the private listener. */
  readonly admin: number;
  /** Connections to sub-runtimes. */
  readonly calls: number;
}

/** For the journal, the listeners, the pipes of the sub-runtimes and what Node holds itself. */
const reserved = 64;
const mostCallers = 10_000;
const mostAdmin = 2048;

/**
Divides what a process may open. A call needs a connection on both sides, so both get the same.

@param limit RLIMIT_NOFILE; undefined where the system does not tell, as outside Linux
*/
export function shareDescriptors(limit = descriptorLimit()): DescriptorShares {
  if (limit === undefined) return {callers: mostCallers, admin: mostAdmin, calls: Number.POSITIVE_INFINITY};
  const free = Math.max(limit - reserved, limit / 4, 16);
  const side = Math.floor((free * 7) / 16);
  return {callers: Math.min(mostCallers, side), admin: Math.min(mostAdmin, Math.floor(free / 8)), calls: side};
}

/** The soft limit of this process, which Node has raised to the hard limit. @see proc_pid_limits(5) */
function descriptorLimit(): number | undefined {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return soft === undefined ? undefined : Number(soft); // undefined for `unlimited`
  } catch {
    return undefined;
  }
}
