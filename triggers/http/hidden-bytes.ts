import type {IncomingMessage} from 'node:http';

/**
Behind a message that offers an upgrade, Node's parser drops the rest of the packet, even when the offer is not taken, and
reads on in the middle of the next packet. Nothing is lost only when the packet is known to end with the head.
*/
export function mayHideBytes({socket, headers}: IncomingMessage): boolean {
  if (headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined) return true;
  // Undocumented. Without it, a request that offers an upgrade is the last of its connection.
  const {parser} = socket as {parser?: {getCurrentBuffer?: () => Buffer | undefined}};
  const packet = parser?.getCurrentBuffer?.();
  if (packet === undefined) return true;
  // The empty line that ends the head may have begun in the packet before: then the first one here ends another message.
  const endsEarlier = packet[0] === carriageReturn || packet[0] === lineFeed;
  return endsEarlier || packet.indexOf('\r\n\r\n') !== packet.length - 4;
}

const carriageReturn = 0x0d;
const lineFeed = 0x0a;
