import type {IncomingMessage, ServerResponse} from 'node:http';

/**
One thing that the private listener does. The listener authorises the caller, answers every error in one shape and logs
it; a route reads what it needs and returns its answer.
*/
export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** One part may be a name such as `<id>`, which stands for any text without a slash; `<file*>` may have slashes, too. */
  readonly path: string;
  /** The parameters of its query, as the list of pages shows them: `after=<position>&stream=<prefix>`. */
  readonly query?: string;
  /** What it answers, in one sentence or two, for the list of pages. */
  readonly doc: string;
  /** What it answers and takes, for the description of the API. It is loaded when somebody asks for that. */
  readonly described?: () => Promise<Described>;
  /**
  True: everybody who reaches the listener may call it. `page`: a browser on its way to sign in may, too, but no page of another
  site. By default only authorised callers may.
  */
  readonly open?: true | 'page';
  /**
  @returns the answer; nothing when the route has written to `call.response` itself
  @throws Refusal or Fault, which the caller sees; any other error is a bug, and the caller gets a 500
  */
  run(call: Call): Promise<Reply | undefined> | Reply;
}

/** The answer of a route that is not an error, and the body that it takes, as JSON Schemas. */
export interface Described {
  /** By default 200. */
  readonly status?: number;
  /** By default JSON. */
  readonly type?: string;
  /** Absent where the answer has no body. */
  readonly answer?: Readonly<Record<string, unknown>>;
  /** Answers with another status that are no errors of the listener. */
  readonly also?: Readonly<Record<number, Readonly<Record<string, unknown>>>>;
  /** True: it streams events to callers that accept them. */
  readonly events?: boolean;
  readonly body?: Readonly<Record<string, unknown>>;
}

/** A request to a route. */
export interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** What the request has where the path has a name; '' where the path has none. */
  readonly name: string;
  readonly query: URLSearchParams;
  /** A header field; '' when the request does not have it. */
  get(field: string): string;
  /** Whether the caller may still have what this route answers: a session ends, also while an answer goes on. */
  isStillLetIn(): boolean;
  /** The media type among these that the caller prefers; false when it accepts none. */
  accepts(...types: string[]): string | false;
  /** The content coding among these that the caller prefers; `identity` or false when it accepts none. */
  acceptsEncodings(...codings: string[]): string | false;
}

/** An answer that is not an error. */
export interface Reply {
  /** By default 200. */
  readonly status?: number;
  /** By default JSON. */
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON, a text or a buffer as it is; null: the answer has no body. */
  readonly body: object | string | null;
}

/** The codes of the private listener, with their status. */
export const statuses = {
  BAD_REQUEST: 400,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  REQUEST_TIMEOUT: 408,
  CONFLICT: 409,
  NOT_RELOADED: 409,
  BODY_TOO_LARGE: 413,
  TOO_MANY_ATTEMPTS: 429,
  HEAD_TOO_LARGE: 431,
  TOO_MANY_READERS: 503,
  NOT_READY: 503,
} as const;

export type RefusalCode = keyof typeof statuses;

export interface RefusalOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Fields that stand beside `error` in the answer. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The private listener does not do what a caller asked; the message says why. Codes are public and never renamed. */
export class Refusal extends Error {
  static {
    Refusal.prototype.name = 'Refusal';
  }
  readonly code: RefusalCode;
  readonly headers: Readonly<Record<string, string>>;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: RefusalCode, message: string, {headers = {}, details = {}}: RefusalOptions = {}) {
    super(message);
    this.code = code;
    this.headers = headers;
    this.details = details;
  }

  get status(): number {
    return statuses[this.code];
  }
}
