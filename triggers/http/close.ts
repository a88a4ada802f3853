import type {Server, ServerResponse} from 'node:http';
import {type AddressInfo, Server as NetServer} from 'node:net';
import type {House} from '../../src/trigger.ts';
import type {Connection} from './connection.ts';
import {untilTaken} from './unread.ts';

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

/** How often is looked for connections that have come to rest. */
const lookMs = 50;

type Closing = Pick<House, 'clock' | 'hurry' | 'closesLast' | 'meter' | 'log'>;

/** The connections of a server, and which replies wait in them to be read. */
export interface Open {
  readonly connections: ReadonlySet<Connection>;
  readonly leaving: Iterable<ServerResponse>;
}

/**
Closes the port so that nobody who came through it goes without an answer. Every reply is waited for until the system has
taken its last byte and the client has read it, or the grace time is over: then it is cut off, and counted. Resolves when
the last connection is gone.
*/
export async function closeServer(server: Server, {connections, leaving}: Open, house: Closing): Promise<void> {
  const {clock, hurry, closesLast, meter, log} = house;
  const {port} = server.address() as AddressInfo; // a TCP server has one until it is closed
  const settledBefore = new Set(leaving);
  await clock.sleep(closesLast ? lastCallMs + othersMs : lastCallMs, hurry);
  const cut = () =>
    clock.after(cutMs, () => {
      for (const response of leaving) if (!response.writableFinished) meter.replyCut(settledBefore.has(response));
      server.closeAllConnections();
    });
  if (hurry.aborted) cut();
  else hurry.addEventListener('abort', cut, {once: true});
  const over = new AbortController();
  void (await closePort(server, clock)).closed.then(() => over.abort());
  if (connections.size > 0) await clock.sleep(lateMs, AbortSignal.any([hurry, over.signal]));
  // Node's own way to close those that are idle takes one for idle whose reply is still being read.
  do {
    for (const {isAtRest, socket} of connections) if (isAtRest) socket.destroy();
  } while (await clock.sleep(lookMs, over.signal));
  const bytes = await untilTaken(port, house);
  if (bytes > 0) log.warn({bytes}, 'The last bytes of replies had not been taken by their clients at the end');
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
