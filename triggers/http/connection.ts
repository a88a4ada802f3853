import type {IncomingMessage, Server, ServerResponse} from 'node:http';
import type {Socket} from 'node:net';

/** What is known of one connection. */
export interface Connection {
  newest: ServerResponse | undefined;
  /** No request after the newest is served. */
  isLast: boolean;
  /** Its last answer, or refusal, was decided. */
  isOver: boolean;
  /** Bytes that had come when its newest request was taken, or answered. */
  bytesTaken: number;
  /** Bytes that have come, but were not given to the parser yet. */
  keptBytes: number;
  /** Requests that are being served, until their answers have left. */
  inProgress: number;
  /** What is being served may have effects: nothing else is served beside it. */
  isExclusive: boolean;
  /** Of replies that were received and have not left. */
  replyBytes: number;
  /** Requests that were read, but wait for those before them. */
  readonly waiting: Waiting[];
  /** Lets more requests in, where one came while another was served. */
  letIn: (() => void) | undefined;
}

export interface Waiting {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

const connections = new WeakMap<Socket, Connection>();

export function connectionOf(socket: Socket): Connection {
  let known = connections.get(socket);
  if (!known) {
    known = {
      newest: undefined,
      isLast: false,
      isOver: false,
      bytesTaken: 0,
      keptBytes: 0,
      inProgress: 0,
      isExclusive: false,
      replyBytes: 0,
      waiting: [],
      letIn: undefined,
    };
    connections.set(socket, known);
  }
  return known;
}

/** Takes the next request of a connection. False when one before it was to be the last: then nobody serves this one. */
export function takeNext(response: ServerResponse): boolean {
  const {req: request} = response;
  const connection = connectionOf(request.socket);
  if (connection.isLast) return false;
  connection.newest = response;
  connection.bytesTaken = request.socket.bytesRead - connection.keptBytes;
  connection.isLast = request.headers.upgrade !== undefined && mayHideBytes(request);
  return true;
}

/**
Behind a message that offers an upgrade Node's parser drops the rest of the packet, even when nobody takes the offer, and
reads on in the middle of whatever comes then. Only when the packet is known to end with the head is nothing lost.
*/
function mayHideBytes({socket, headers}: IncomingMessage): boolean {
  if (headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined) return true;
  // Undocumented; where it is gone, an offer is the last request of its connection.
  const {parser} = socket as {parser?: {getCurrentBuffer?: () => Buffer | undefined}};
  const packet = parser?.getCurrentBuffer?.();
  if (packet === undefined) return true;
  // The empty line that ends the head may have begun in the packet before: then the first one here ends another message.
  const endsEarlier = packet[0] === carriageReturn || packet[0] === lineFeed;
  return endsEarlier || packet.indexOf('\r\n\r\n') !== packet.length - 4;
}

const carriageReturn = 0x0d;
const lineFeed = 0x0a;

/** Whether this answer ends its connection: requests may come while an earlier one is served, so only the newest can. */
export function endsConnection(response: ServerResponse, isWanted: boolean): boolean {
  const {socket} = response.req;
  const connection = connectionOf(socket);
  if (connection.newest !== undefined && connection.newest !== response) return false;
  connection.bytesTaken = socket.bytesRead - connection.keptBytes;
  if (!isWanted && (connection.isOver || !connection.isLast)) return false; // a refusal that waits for this answer is the last
  connection.isLast = true;
  connection.isOver = true;
  return true;
}

/** Ends a connection's requests. The newest; false when nothing is to be told any more. */
export function endRequests(socket: Socket): ServerResponse | undefined | false {
  const connection = connectionOf(socket);
  const {newest} = connection;
  if (connection.isOver || (connection.isLast && newest?.req.complete)) return false;
  connection.isLast = true;
  connection.isOver = true;
  return newest;
}

/** Nothing is being received, served, or waits to leave. */
export function isAtRest(socket: Socket): boolean {
  const {newest, waiting} = connectionOf(socket);
  const isServed = waiting.length > 0 || (newest !== undefined && !newest.writableFinished && !newest.destroyed);
  return !isServed && socket.writableLength === 0 && unservedBytes(socket) === 0;
}

/** The connections that a server has, as they come and go. */
export function connectionsOf(server: Server): ReadonlySet<Socket> {
  const sockets = new Set<Socket>();
  server.on('connection', socket => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return sockets;
}

/** Bytes that came behind the newest request: those of a head that is not whole yet, or of requests that wait. */
export function unservedBytes(socket: Socket): number {
  const {newest, isOver, bytesTaken} = connectionOf(socket);
  if (isOver) return 0;
  const isAnswered = newest === undefined || newest.headersSent;
  return Math.max(0, socket.bytesRead - bytesTaken - (isAnswered ? 0 : bodyBytes(newest.req)));
}

/** As declared; of one in chunks nobody knows, and all that comes is taken for it. */
function bodyBytes({headers}: IncomingMessage): number {
  if (headers['transfer-encoding'] !== undefined) return Number.POSITIVE_INFINITY;
  return Number(headers['content-length'] ?? 0);
}
