import {readFile} from 'node:fs/promises';
import type {House} from '../../src/trigger.ts';

/** How often to look. */
const lookMs = 100;
/** Clients that take nothing for this long are not waited for. */
const stalledMs = 5000;
/** The state of a socket that listens. It has no bytes to send: its columns mean something else. */
const listens = '0A';

/**
Waits until clients have taken what the system still holds for them. The system sends it even after a process has ended,
but not after a container has: its network ends with it.

@returns the bytes that were left when no client took more of them, or when the signal aborted
*/
export async function untilTaken(port: number, {clock, hurry}: Pick<House, 'clock' | 'hurry'>): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  let since = clock.monotonic();
  for (;;) {
    const bytes = await untakenBytes(port);
    if (bytes < least) [least, since] = [bytes, clock.monotonic()];
    if (bytes === 0 || clock.monotonic() - since >= stalledMs) return bytes;
    if (!(await clock.sleep(lookMs, hurry))) return bytes;
  }
}

/** Bytes that were sent from a port and not acknowledged; 0 on a system that does not say. @see proc_net_tcp */
export async function untakenBytes(port: number): Promise<number> {
  const tables = await Promise.all(['tcp', 'tcp6'].map(name => readFile(`/proc/self/net/${name}`, 'latin1').catch(() => '')));
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  let bytes = 0;
  for (const row of tables.join('\n').split('\n')) {
    const [, local = '', , state = '', queues = ''] = row.trim().split(/\s+/, 5);
    if (local.endsWith(suffix) && state !== listens) bytes += Number.parseInt(queues, 16); // it ends at the colon
  }
  return bytes;
}
