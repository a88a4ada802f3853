import type {IncomingMessage} from 'node:http';
import type {Socket} from 'node:net';
import {type Connection, mostInProgress} from './connection.ts';

/*
Requests in a pipeline. Node's parser makes objects for every request in a packet, and a packet of 64 KiB may hold more
than two thousand requests: some kilobytes of memory for each 27 bytes. So when a request comes while another one is being
served, the parser is stopped behind its head. From then on the bytes of the connection are read here: the rest of a
packet is kept as bytes, and the parser gets one request at a time, when it can be served. Until then nothing more is read.

On a connection that sends one request at a time the parser goes on reading by itself, which is faster.
*/

/** The parts of Node's parser that are used here. They are undocumented; if they are missing, pipelines are not slowed down. */
interface Parser {
  onIncoming?: ((request: IncomingMessage, keepsAlive: boolean) => number) | null;
  resume?(): void;
  getCurrentBuffer?(): Buffer;
  readonly constructor: {readonly kOnExecute?: number};
  [callback: number]: ((this: Parser, result: number | ParserError) => void) | null | undefined;
}

interface ParserError extends Error {
  readonly code?: string;
  readonly bytesParsed?: number;
}

/** The listeners of Node's HTTP server on a socket. */
interface NodeListeners {
  readonly toParser: (bytes: Buffer) => void;
  readonly atEnd: () => void;
  /** Not Node's: called once, when requests came in a pipeline. */
  readonly gated: () => void;
}

type NodeSocket = Socket & {readonly parser?: Parser | null; readonly _paused?: boolean};

/** What the parser can do when it has read a head: stop there, as if another protocol followed, or pause before the body. */
const stopWithoutBody = 2;
const pauseBeforeBody = 21;

/**
Lets the requests of a pipeline in one by one. Called for each new connection, after Node has set its parser up.

@param gated called once, when requests came in a pipeline
@param most requests that may be in progress at a time
*/
export function gatePipeline(connection: Connection, gated: () => void, most = mostInProgress): void {
  const socket: NodeSocket = connection.socket;
  const {parser} = socket;
  const executed = parser?.constructor.kOnExecute;
  const [toParser] = socket.listeners('data') as ((bytes: Buffer) => void)[];
  const atEnd = socket.listeners('end').at(-1) as (() => void) | undefined;
  if (!parser?.onIncoming || executed === undefined || !parser[executed] || !parser.getCurrentBuffer || !toParser || !atEnd) return;
  new PipelineGate(connection, parser, {toParser, atEnd, gated}, most).listen(executed);
}

class PipelineGate {
  readonly #socket: NodeSocket;
  readonly #parser: Parser;
  readonly #node: NodeListeners;
  readonly #most: number;
  readonly #connection: Connection;
  #isStopping = false;
  /** True once the bytes are read here, and no longer by the parser itself. */
  #isGated = false;
  #isFeeding = false;
  #isPaused = false;
  /** True when the client has ended its side. Node learns that when it has got all bytes that came before. */
  #hasEnded = false;
  #kept: Buffer = nothing;
  /** Bytes of the present body that the parser has still to get, by the declared length. */
  #bodyBytes = 0;

  constructor(connection: Connection, parser: Parser, node: NodeListeners, most: number) {
    this.#connection = connection;
    this.#socket = connection.socket;
    this.#parser = parser;
    this.#node = node;
    this.#most = most;
  }

  listen(executed: number): void {
    const parser = this.#parser;
    const {onIncoming, [executed]: onExecute} = parser;
    if (!onIncoming || !onExecute) return;
    parser.onIncoming = (request, keepsAlive) => this.#incoming(request, onIncoming(request, keepsAlive));
    parser[executed] = result => this.#executed(result, parsed => onExecute.call(parser, parsed));
  }

  #incoming(request: IncomingMessage, verdict: number): number {
    if (this.#isGated) this.#bodyBytes = Number(request.headers['content-length'] ?? 0);
    const {inProgress, waiting, isLast} = this.#connection;
    // An offer to upgrade stops the parser anyway, and is the last request of its connection if bytes may follow.
    if (this.#isGated || this.#isStopping || request.headers.upgrade !== undefined) return verdict;
    if (inProgress + waiting.length < 2 && !isLast) return verdict;
    this.#isStopping = true;
    this.#bodyBytes = Number(request.headers['content-length'] ?? 0);
    return this.#bodyBytes > 0 || request.headers['transfer-encoding'] !== undefined ? pauseBeforeBody : stopWithoutBody;
  }

  /** Called when the parser has read a packet to its end, or to where it was stopped. */
  #executed(result: number | ParserError, goOn: (result: number | ParserError) => void): void {
    const parsedBytes = this.#isStopping ? parsedOf(result) : undefined;
    this.#isStopping = false;
    if (parsedBytes === undefined) {
      goOn(result);
      return;
    }
    if (typeof result !== 'number') this.#parser.resume?.();
    const rest = this.#parser.getCurrentBuffer?.().subarray(parsedBytes) ?? nothing;
    goOn(parsedBytes);
    if (!this.#socket.destroyed) this.#gate(rest);
  }

  #gate(rest: Buffer): void {
    const socket = this.#socket;
    this.#isGated = true;
    this.#node.gated();
    this.#connection.letIn = () => this.#feed();
    socket.removeListener('data', this.#node.toParser);
    socket.removeListener('end', this.#node.atEnd);
    socket.once('end', () => {
      this.#hasEnded = true;
      this.#feed();
    });
    socket.on('data', (bytes: Buffer) => this.#keep(bytes)); // this listener ends the parser's own reading
    // Node resumes sockets for reasons of its own: this pauses the socket again before bytes flow.
    socket.on('resume', () => this.#feed());
    this.#keep(rest);
  }

  #keep(bytes: Buffer): void {
    this.#setKept(this.#kept.length === 0 ? bytes : Buffer.concat([this.#kept, bytes]));
    this.#feed();
  }

  #feed(): void {
    if (this.#isFeeding) return;
    this.#isFeeding = true;
    while (this.#kept.length > 0 && this.#mayFeed()) {
      const bytes = this.#kept.subarray(0, this.#nextEnd());
      this.#setKept(this.#kept.subarray(bytes.length));
      this.#node.toParser(bytes);
    }
    this.#isFeeding = false;
    if (this.#kept.length > 0) {
      this.#isPaused = true;
      this.#socket.pause();
      return;
    }
    if (this.#isPaused) this.#socket.resume();
    this.#isPaused = false;
    if (this.#hasEnded) this.#node.atEnd();
    this.#hasEnded = false;
  }

  #mayFeed(): boolean {
    const {newest, isLast, isOver, inProgress, waiting} = this.#connection;
    const isInBody = newest !== undefined && !newest.req.complete;
    if (!this.#socket.parser || ((isOver || isLast) && !isInBody)) {
      this.#setKept(nothing); // no request is served any more
      return false;
    }
    if (this.#socket._paused) return false; // Node has paused the parser, and will resume it
    if (waiting.length > 0) return false;
    return isInBody || inProgress < this.#most;
  }

  /** Where the next head or body ends, as far as that is known. A cut at another place only lets more in at a time. */
  #nextEnd(): number {
    if (this.#bodyBytes > 0) {
      const bytes = Math.min(this.#bodyBytes, this.#kept.length);
      this.#bodyBytes -= bytes;
      return bytes;
    }
    const end = this.#kept.indexOf('\r\n\r\n');
    return end === -1 ? this.#kept.length : end + 4;
  }

  #setKept(bytes: Buffer): void {
    this.#kept = bytes;
    this.#connection.keptBytes = bytes.length;
  }
}

const nothing: Buffer = Buffer.alloc(0);

/** How many bytes of the packet the parser read before it was stopped; undefined when it failed. */
function parsedOf(result: number | ParserError): number | undefined {
  if (typeof result === 'number') return result;
  return result.code === 'HPE_PAUSED' ? result.bytesParsed : undefined;
}
