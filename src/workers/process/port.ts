import net from 'node:net';
import type {Clock} from '../../clock.ts';
import {metItself} from '../../hop/self-connection.ts';
import type {Log} from '../../log.ts';

/** Pause before the system is asked for a port again when it had none. */
const againMs = 500;

/**
A port for a sub-runtime: the preferred one when nobody listens there, else any. Waits while the system has none, for example
while every descriptor is taken; 0 when `over` aborted before.

@param preferred 0: none
*/
export async function choosePort(
  host: string,
  preferred: number,
  {clock, log}: {readonly clock: Clock; readonly log: Log},
  over: AbortSignal,
): Promise<number> {
  for (let tries = 1; ; tries++) {
    try {
      return preferred !== 0 && !(await accepts(host, preferred)) ? preferred : await freePort(host);
    } catch (error) {
      // Logged the 1st, 2nd, 4th, 8th … time: it may last.
      if ((tries & (tries - 1)) === 0)
        log.error({cause: (error as Error).message, tries}, 'No port could be had for a sub-runtime: trying again');
    }
    if (!(await clock.sleep(againMs, over))) return 0;
  }
}

/** A port on this machine accepts or refuses at once. One that does neither for this long has a listener whose queue is full. */
const fullQueueMs = 2000;

/** True when something listens there now. */
export function accepts(host: string, port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = net.connect({host, port});
    const isThere = () => {
      socket.destroy();
      resolve(true);
    };
    socket.setTimeout(fullQueueMs, isThere);
    socket.once('connect', () => {
      if (!metItself(socket)) return isThere();
      socket.resetAndDestroy(); // a normal close would keep the port in use for a minute
      resolve(false);
    });
    socket.once('error', () => resolve(false));
  });
}

/** A port that nobody listens on now, chosen by the system. */
export function freePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', reject);
    server.listen(0, host, () => {
      const address = server.address();
      server.close(() => (address && typeof address === 'object' ? resolve(address.port) : reject(new Error('No port was given'))));
    });
  });
}
