import type {Socket} from 'node:net';

/**
Whether a connection has the same socket at both ends. The system may give a client any port that is free, even the one
that it connects to when nobody listens there. Then both sides open at once, and the client is connected to itself.

@see RFC 9293 §3.5, simultaneous open
*/
export function metItself({localPort, remotePort, localAddress, remoteAddress}: Socket): boolean {
  return localPort !== undefined && localPort === remotePort && localAddress === remoteAddress;
}
