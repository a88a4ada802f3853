import type {ClientRequest, ClientRequestArgs} from 'node:http';
import type {Socket} from 'node:net';
import type {Duplex} from 'node:stream';
import {metItself} from '../../src/hop/self-connection.ts';
import {nodeHttp} from '../../src/http/node-http.ts';

/**
Servers close idle connections, some after 2 s. We close them first, so that no call meets a closing connection: such a call
could not be sent again, as nobody knows whether it has arrived. A new connection on loopback takes a tenth of a millisecond.
*/
const idleMs = 1500;

/** The connections to one server. */
export class Connections extends nodeHttp.Agent {
  /** @param most how many are kept while they are idle */
  constructor(most: number) {
    super({keepAlive: true, maxFreeSockets: most, scheduling: 'lifo', timeout: idleMs});
  }

  /** On loopback a connection may meet itself, which is nobody. */
  override createConnection(options: ClientRequestArgs, done?: (error: Error | null, stream: Duplex) => void): Duplex | null | undefined {
    const stream = super.createConnection(options, done);
    const socket = stream as Socket; // nothing else is made for a host and a port
    socket.once('connect', () => {
      if (metItself(socket)) socket.destroy(Object.assign(new Error('connect ECONNREFUSED: nobody listens'), {code: 'ECONNREFUSED'}));
    });
    return stream;
  }

  /** What comes while nothing was asked belongs to no call: it must not be taken for the answer to the next. */
  override keepSocketAlive(stream: Duplex): void {
    stream.on('data', destroyed);
    // biome-ignore lint/correctness/noVoidTypeReturn: Node asks whether it is to be kept, though its types say nothing of that
    return super.keepSocketAlive(stream);
  }

  override reuseSocket(stream: Duplex, request: ClientRequest): void {
    stream.off('data', destroyed);
    super.reuseSocket(stream, request);
  }
}

function destroyed(this: Duplex): void {
  this.destroy();
}
