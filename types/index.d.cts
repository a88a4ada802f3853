/**
Types for handlers. They exist for the compiler only:

    import type {Context, Event, Result} from 'core-runtime';

    export const handle = async (event: Event, context: Context): Promise<Result> => ({statusCode: 200, body: {hello: event.path}});

Events and contexts as JSON Schemas: `core-runtime/schemas/event.json` and `context.json`.
*/

/** What a function receives: an HTTP request, or a message of another trigger in the form of one. */
export interface Event {
  /** The same as `requestContext.eventType`. */
  resource: EventType;
  /** Decoded, not normalised, without the query. */
  path: string;
  /** In capitals; `POST` for everything that is not a request. */
  httpMethod: string;
  /** By name in Title-Case, values of a repeated field joined. With the Node bridge, a look-up in lower case finds them, too. */
  headers: Record<string, string | undefined>;
  multiValueHeaders: Record<string, string[] | undefined>;
  /** For a key that comes several times, its last value. */
  queryStringParameters: Record<string, string | undefined>;
  multiValueQueryStringParameters: Record<string, string[] | undefined>;
  /** Always empty; for functions that were written for other platforms. */
  pathParameters: Record<string, string | undefined>;
  /** Always null; for functions that were written for other platforms. */
  stageVariables: null;
  requestContext: RequestContext;
  /** The body as text; bytes that are not UTF-8 as base64; empty without a body. */
  body: string;
  /** True when `body` is base64. */
  isBase64Encoded: boolean;
}

/** `http`, `cron`, the system of a message (`redis` …), or what another trigger calls its events. */
export type EventType = 'http' | 'cron' | (string & Record<never, never>);

export interface RequestContext {
  accountId: string;
  resourceId: string;
  apiId: string;
  resourcePath: string;
  authorizer: null;
  stage: string;
  eventType: EventType;
  httpMethod: string;
  path: string;
  /** The id of the invocation. */
  requestId: string;
  identity: {
    /** Empty when no address sent it. */
    sourceIp: string;
  };
  /** Which occurrence of which schedule this is; only with `eventType` `cron`. */
  schedule?: Occurrence;
  /** Which message this is; only with the `eventType` of a message system. */
  message?: DeliveredMessage;
}

export interface DeliveredMessage {
  /** Names the message at its broker; the same when it is delivered again. */
  id: string;
  /** Which time it is delivered, from 1. */
  attempt: number;
  /** What the broker knows besides: queue, stream, partition, key … */
  [fact: string]: unknown;
}

export interface Occurrence {
  /** Name of the schedule. */
  name: string;
  /** When the function was due to run, ISO 8601 in UTC. */
  occurrence: string;
}

/** What a function knows about its call. */
export interface Context {
  functionName: string;
  functionVersion: string;
  /** As SCW_APPLICATION_MEMORY says. */
  memoryInMb: number;
  memoryLimitInMb: number;
  /** Also in the answer, as `Core-Invocation-Id`, in log lines, facts and spans. */
  invocationId: string;
  /** When the answer has to be there, in milliseconds since 1970. */
  deadlineMs: number;
  /** W3C trace context of the call; empty when the call is not traced. */
  trace: {traceparent?: string; tracestate?: string};
  /** True when a recorded event is run again. */
  replay?: boolean;
  /** Milliseconds that are left until the deadline, at least 0. */
  getRemainingTimeInMillis(): number;
  /** The body of the request as it comes, a `Readable`: only with CORE_PROTOCOL=stream. */
  readonly body?: AsyncIterable<Uint8Array>;
  /** Aborts at the deadline, or when nobody waits for the result any more. */
  readonly signal: Signal;
  /** The process does not end before the promise has settled, nor waits longer than the deadline. The reply does not wait. */
  waitUntil(promise: PromiseLike<unknown>): void;
}

/** An AbortSignal, where the compiler knows one. */
export type Signal = typeof globalThis extends {AbortSignal: {prototype: infer Found}} ? Found : {readonly aborted: boolean};

/** An answer with a status, headers or a body. */
export interface Reply {
  /** 200 to 599; by default 200. */
  statusCode?: number | `${number}` | null;
  /** A list of values sends a field several times. */
  headers?: Fields | null;
  /** Fields that are sent several times; they count before those of `headers`. */
  multiValueHeaders?: Record<string, readonly FieldValue[] | null | undefined> | null;
  /** A `Set-Cookie` for each. */
  cookies?: readonly (string | null)[] | null;
  /** A text or bytes as they are; what makes texts or bytes piece by piece, as it makes them; anything else as JSON. */
  body?: string | number | boolean | object | null;
  /** True: `body` is base64, and its bytes are sent. */
  isBase64Encoded?: boolean | null;
}

export type FieldValue = string | number | boolean;

/** An object, or pairs of name and value, such as a `Map` or WHATWG `Headers`. */
export type Fields =
  | Record<string, FieldValue | readonly (FieldValue | null)[] | null | undefined>
  | Iterable<readonly [string, FieldValue]>;

/** An object that is itself the body, as JSON: it has no member of a reply. */
export interface JsonBody {
  statusCode?: never;
  headers?: never;
  body?: never;
  isBase64Encoded?: never;
  [member: string]: unknown;
}

/** A body that leaves as it is made: a `Readable`, a `ReadableStream`, an async generator. */
export type Pieces = AsyncIterable<string | Uint8Array | ArrayBuffer>;

/** What a function returns. Anything but a reply is itself the body, with status 200; nothing is an empty body. */
export type Result =
  | Reply
  | JsonBody
  | Pieces
  | WebResponse
  | readonly unknown[]
  | Uint8Array
  | ArrayBuffer
  | string
  | number
  | boolean
  | null
  | undefined
  // biome-ignore lint/suspicious/noConfusingVoidType: a handler may return nothing
  | void;

/** Gives the result in place of a return value. */
export type Callback = (error?: unknown, result?: Result) => void;

/** A Response of WHATWG, where the compiler knows one. */
export type WebResponse = typeof globalThis extends {Response: {prototype: infer Found}} ? Found : {readonly status: number};

/** A Request of WHATWG, where the compiler knows one. */
export type WebRequest = typeof globalThis extends {Request: {prototype: infer Found}} ? Found : {readonly url: string};

export interface FetchContext extends Context {
  requestContext: RequestContext;
  /** Does nothing: no origin stands behind the function. */
  passThroughOnException(): void;
}

/** A default export that takes requests in place of events: `export default {fetch(request) { … }} satisfies FetchHandler`. */
export interface FetchHandler {
  fetch(request: WebRequest, env: Record<string, string | undefined>, context: FetchContext): WebResponse | Promise<WebResponse>;
}

export type Handler = (event: Event, context: Context, callback: Callback) => Result | Promise<Result>;
