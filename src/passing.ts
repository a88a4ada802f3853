import type {Fault} from './errors.ts';
import type {StreamedBody} from './streamed-body.ts';

/*
Requests that are not received before they are handed on: the protocol passes them through, as fast as the sub-runtime takes
them. And what comes back.
*/

/** A request that has arrived as far as its head. */
export interface OpenRequest {
  /** What the request line asks for, as it stood there: latin1 text of its bytes, from its first slash. */
  readonly target: string;
  /** Undefined: it has none. */
  readonly body: OpenBody | undefined;
  /** It offers to speak another protocol: which, and what its sender sends once the server has taken the offer. */
  readonly upgrade?: {readonly offer: string; readonly body: OpenBody} | undefined;
  /** Its sender can read interim answers. */
  readonly takesInterim: boolean;
  /** Sends an interim answer (1xx). 100 asks for the body of a sender that waits for that. */
  interim(status: number, headers: readonly string[]): void;
}

/** The body of a request, as it comes. */
export interface OpenBody {
  /** By the head of the request; undefined: it comes in chunks. */
  readonly bytes: number | undefined;
  /** How many bytes have been handed over. */
  readonly passedBytes: number;
  /** Hands over each piece as it comes. To be called once. */
  take(taker: BodyTaker): void;
  /** What came has been passed on: more may come. */
  more(): void;
  /** Nobody takes the rest. Does nothing once it has ended. */
  drop(): void;
}

export interface BodyTaker {
  /** Takes a piece, which is its own from now on. @returns false: no further piece comes before `more` was called */
  piece(bytes: Buffer): boolean;
  /** Called last, if the whole body came. @param trailers name, value, name, value … that came behind it */
  end(trailers: readonly string[]): void;
  /** Called last, if it broke off: its sender left, was too slow, or sent more than it may. */
  failed(fault: Fault): void;
}

/** A request that is passed on as it came, to a sub-runtime that is an HTTP server. */
export interface PassedRequest {
  readonly method: string;
  /** latin1 text of its bytes, as are the headers. */
  readonly target: string;
  /** Name, value, name, value … as they were received, without those that are meant for the hop to us. */
  readonly headers: readonly string[];
  /** A buffer: it is known whole. */
  readonly body: Buffer | OpenBody | undefined;
  /** Where interim answers go; undefined: nobody reads them. */
  readonly open: OpenRequest | undefined;
  /** Lower-case field that carried the caller's token; the server never sees it. */
  readonly credential: string | undefined;
}

/** The answer of an HTTP server, as it is passed on. */
export interface PassedReply {
  readonly status: number;
  readonly reason: string;
  /** Name, value, name, value … as they were received, without those that are meant for the hop to us. */
  readonly passed: readonly string[];
  /** All of the body; empty when it comes as a stream. */
  readonly body: Buffer;
  readonly stream?: StreamedBody;
  /** Known when the body has ended. */
  trailers(): readonly string[];
}
