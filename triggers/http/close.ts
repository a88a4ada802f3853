import type {Server} from 'node:http';
import {Server as NetServer} from 'node:net';
import type {House} from '../../src/trigger.ts';

/** How long callers still find an open port: whoever routes to us learns with a delay that we stop. */
const lastCallMs = 500;
/** Among processes that share the port, how much longer the last one keeps it. */
const othersMs = 300;
/** Once the port is closed, how long those who just came through it have to say what they want. */
const lateMs = 500;
/** Once the grace time is over, how long the last answers have to leave. */
const cutMs = 500;
/** A turn of the event loop as short as this one leaves hardly anybody unseen in the port's queue. */
const shortLookMs = 0.3;
const mostLooks = 1000;

type Closing = Pick<House, 'clock' | 'hurry' | 'closesLast'>;

/** Closes the port so that nobody who came through it goes without an answer. Resolves when the last connection is gone. */
export async function closeServer(server: Server, {clock, hurry, closesLast}: Closing): Promise<void> {
  // Nobody connected: nobody to wait for, but those who share the port.
  if (closesLast) await clock.sleep(lastCallMs + othersMs);
  else if (await isConnected(server)) await clock.sleep(lastCallMs);
  const cut = () => clock.after(cutMs, () => server.closeAllConnections());
  if (hurry.aborted) cut();
  else hurry.addEventListener('abort', cut, {once: true});
  const {closed} = await closePort(server, clock);
  if (await isConnected(server)) await clock.sleep(lateMs, hurry);
  server.closeIdleConnections();
  await closed;
}

/**
Closes the port, and nothing but the port: Node's own way also closes connections on which a request may be under way.
Whoever waits in the port's queue is reset by the system, so it is closed right after a look at that queue.

@returns `closed` resolves when the last connection is gone
*/
async function closePort(server: Server, clock: House['clock']): Promise<{closed: Promise<void>}> {
  for (let looks = 0; looks < mostLooks; looks++) {
    const before = clock.monotonic();
    await clock.turn();
    if (clock.monotonic() - before < shortLookMs) break;
  }
  return {closed: new Promise(resolve => void NetServer.prototype.close.call(server, () => resolve()))};
}

function isConnected(server: Server): Promise<boolean> {
  return new Promise(resolve => server.getConnections((_error, count) => resolve(count > 0)));
}
