import type {Server, ServerResponse} from 'node:http';
import {type AddressInfo, Server as NetServer} from 'node:net';
import type {House} from '../../src/trigger.ts';
import type {Connection} from './connection.ts';
import {untilTaken} from './unread.ts';

/** How long the port stays open after a stop begins, as balancers that send callers here learn about the stop with a delay. */
const lastCallMs = 500;
/** How much longer the last of several processes that share the port keeps it open. */
const othersMs = 300;
/** Once the port is closed, how long clients that had just connected have to send a request. */
const lateMs = 500;
/** Once the grace time is over, how long the last replies have to leave. */
const cutMs = 500;
/**
When a turn of the event loop was shorter than this, hardly any connection has come into the port's queue since the last
look; those that have are reset. In a busy process no turn is as short, so the limit grows with each look.
*/
const shortLookMs = 0.02;
const mostLooks = 1000;

/** How often to look for connections on which nothing is under way any more. */
const lookMs = 50;

type Closing = Pick<House, 'clock' | 'hurry' | 'closesLast' | 'meter' | 'log'>;

/** The open connections of a server, and the function's replies that clients are reading. */
export interface Open {
  readonly connections: ReadonlySet<Connection>;
  readonly leaving: Iterable<ServerResponse>;
}

/**
Closes the port so that every client that connected gets its reply. Waits for each reply until the system has taken its
last byte and the client has read it, or until the grace time is over: then the reply is cut off, and counted. Resolves
when the last connection is gone.
*/
export async function closeServer(server: Server, {connections, leaving}: Open, house: Closing): Promise<void> {
  const {clock, hurry, closesLast, meter, log} = house;
  const {port} = server.address() as AddressInfo; // a TCP server has an AddressInfo until it is closed
  const settledBefore = new Set([...leaving].filter(({writableEnded}) => writableEnded)); // a stream is not settled yet
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
  // Node's closeIdleConnections() would also close connections whose replies are still being read.
  do {
    for (const {isAtRest, socket} of connections) if (isAtRest) socket.destroy();
  } while (await clock.sleep(lookMs, over.signal));
  const bytes = await untilTaken(port, house);
  if (bytes > 0) log.warn({bytes}, 'Clients have not taken the last bytes of their replies, and are not waited for any longer');
}

/**
Closes the port and nothing else: Node's own `close` of an HTTP server also closes connections on which a request may be
under way. The system resets the connections that wait in the port's queue, so the port is closed right after a look at
that queue.

@returns `closed` resolves when the last connection is gone
*/
async function closePort(server: Server, clock: House['clock']): Promise<{closed: Promise<void>}> {
  for (let looks = 0; looks < mostLooks; looks++) {
    const before = clock.monotonic();
    await clock.turn();
    if (clock.monotonic() - before < shortLookMs * (1 + looks / 64)) break;
  }
  return {closed: new Promise(resolve => void NetServer.prototype.close.call(server, () => resolve()))};
}
