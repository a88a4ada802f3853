/**
What can go wrong. `retryable`: may the same event be delivered again without running twice? `reached: false`: the
function has not seen the event; with any other fault it may have.
*/
export const catalogue = {
  AUTH_MISSING: {status: 401, retryable: false, reached: false, text: 'Unauthorized'},
  AUTH_NOT_CONFIGURED: {status: 500, retryable: false, reached: false, text: 'function runtime not setup correctly'},
  AUTH_INVALID: {status: 401, retryable: false, reached: false, text: 'authorization token not valid'},
  AUTH_FORBIDDEN: {status: 403, retryable: false, reached: false, text: 'Forbidden'},
  AUTH_BUSY: {status: 503, retryable: true, reached: false, text: 'Too many callers wait for the keys that verify them'},
  REQUEST_MALFORMED: {status: 400, retryable: false, reached: false, text: 'The request is malformed'},
  TRIGGER_UNKNOWN: {
    status: 400,
    retryable: false,
    reached: false,
    text: 'Trigger Type is not supported by Scaleway Functions Runtime',
  },
  METHOD_REFUSED: {status: 405, retryable: false, reached: false, text: 'The method CONNECT is not served here'},
  REQUEST_TIMEOUT: {status: 408, retryable: true, reached: false, text: 'The request was not received in time'},
  BODY_TOO_LARGE: {status: 413, retryable: false, reached: false, text: 'Request payload too large'},
  BODY_INCOMPLETE: {status: 400, retryable: true, reached: false, text: 'The request body ended before it was complete'},
  EXPECTATION_UNKNOWN: {status: 417, retryable: false, reached: false, text: 'Only the expectation 100-continue is known'},
  HEAD_TOO_LARGE: {status: 431, retryable: false, reached: false, text: 'The request head exceeds 1 MiB or 2,000 fields'},
  VERSION_UNSUPPORTED: {status: 505, retryable: false, reached: false, text: 'Only HTTP/1.0 and HTTP/1.1 are spoken here'},
  HANDLER_FAILED: {status: 500, retryable: false, text: 'An error occured during handler execution: '},
  HANDLER_MISSING: {status: 500, retryable: false, text: 'An error occured during handler execution: '},
  RESULT_INVALID: {status: 502, retryable: false, text: 'The function returned a reply that HTTP cannot carry'},
  UPSTREAM_PROTOCOL: {status: 502, retryable: false, text: 'The sub-runtime broke the protocol'},
  UPSTREAM_LOST: {status: 502, retryable: false, text: 'The sub-runtime went away during the call'}, // it may have run
  INFLIGHT_FULL: {status: 503, retryable: true, reached: false, text: 'Too many bytes are in flight here; try again later'},
  REPLY_NO_ROOM: {
    status: 503,
    retryable: false,
    text: 'The function answered, but too many bytes are in flight here to take its reply',
  },
  POOL_BUSY: {status: 503, retryable: true, reached: false, text: 'Every sub-runtime is busy'},
  POOL_NOT_READY: {status: 503, retryable: true, reached: false, text: 'The sub-runtime was not ready in time'},
  POOL_GAVE_UP: {
    status: 503,
    retryable: true,
    reached: false,
    text: 'The sub-runtime exits again and again; a start is tried every 30 to 60 s',
  },
  CALLER_LEFT: {status: 499, retryable: false, text: 'The caller left before the function had answered'},
  DRAINING: {status: 503, retryable: true, reached: false, text: 'The runtime is shutting down'},
  UPSTREAM_TIMEOUT: {status: 504, retryable: false, text: 'The function did not answer in time'}, // it may have run
  JOURNAL_BUSY: {status: 503, retryable: true, reached: false, text: 'The journal has too much to write; try again later'},
  JOURNAL_FAILED: {status: 503, retryable: true, reached: false, text: 'The journal cannot be written now'},
  WORK_FULL: {status: 503, retryable: true, reached: false, text: 'As many items of work wait as may; try again later'},
  WORK_UNKNOWN: {status: 404, retryable: false, reached: false, text: 'There is no such invocation here, or another caller sent it'},
  WORK_UNFINISHED: {status: 409, retryable: true, reached: false, text: 'The invocation is not over, so there is no reply yet'},
  WORK_OVER: {status: 409, retryable: false, reached: false, text: 'The invocation is over: there is nothing to cancel'},
  WORK_NOT_KEPT: {
    status: 503,
    retryable: false,
    reached: false,
    text: 'Work is not accepted here, as the journal is in memory: it would be lost with the process',
  },
  REPLY_GONE: {status: 410, retryable: false, reached: false, text: 'The reply is not kept any more, or there was none'},
  IDEMPOTENCY_MISMATCH: {
    status: 422,
    retryable: false,
    reached: false,
    text: 'Another request came with this Idempotency-Key: a key belongs to one method, path, query and body',
  },
  BATCH_FAILED: {status: 500, retryable: false, text: 'Not every event of the batch succeeded'},
  INTERNAL: {status: 500, retryable: false, text: 'The core runtime failed; its log has the cause'},
} as const satisfies Record<string, {status: number; retryable: boolean; reached?: false; text: string}>;

export type FaultCode = keyof typeof catalogue;

export interface FaultOptions extends ErrorOptions {
  /** What the caller gets instead of the catalogue's text: one line, no secrets. */
  message?: string;
  /** Seconds after which trying again makes sense; becomes `Retry-After`. */
  retryAfterS?: number;
  /** For UPSTREAM_LOST: how the process ended by itself, when that is known. */
  ended?: 'crash' | 'oom' | undefined;
  /** False when the call is known not to have reached the function, although the code leaves that open. */
  reached?: false;
  /** For METHOD_REFUSED: the methods that are served there, as the field `Allow` lists them; by default all but CONNECT. */
  allow?: string;
}

/** Something that goes wrong in a healthy system. Any other Error is a bug. Codes are public and never renamed. */
export class Fault extends Error {
  static {
    Fault.prototype.name = 'Fault';
  }
  readonly code: FaultCode;
  /** A field and not a getter: code that shows errors in HTTP, such as Koa's, may assign it, and a getter would make that throw. */
  readonly status: number;
  readonly retryAfterS: number | undefined;
  readonly ended: 'crash' | 'oom' | undefined;
  /** False when the function has not seen the event: it can be delivered again as if it were new. */
  readonly reached: boolean;
  readonly allow: string | undefined;

  constructor(code: FaultCode, {message, retryAfterS, ended, reached, allow, ...options}: FaultOptions = {}) {
    super(message ?? catalogue[code].text, options);
    this.code = code;
    this.status = catalogue[code].status;
    this.retryAfterS = retryAfterS;
    this.ended = ended;
    this.allow = allow;
    this.reached = reached ?? !('reached' in catalogue[code]);
  }

  /** May the same event be delivered again without running twice? */
  get retryable(): boolean {
    return catalogue[this.code].retryable;
  }
}

/** The fault that stands for any error: itself, or INTERNAL with the bug as its cause. */
export function asFault(error: unknown): Fault {
  return error instanceof Fault ? error : new Fault('INTERNAL', {cause: error});
}

/** The start cannot go on. `problems` are whole sentences for a person; no stack is shown. */
export class ConfigurationError extends Error {
  static {
    ConfigurationError.prototype.name = 'ConfigurationError';
  }
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

/** Something else listens on a port that a setting names. */
export class PortTaken extends ConfigurationError {
  static {
    PortTaken.prototype.name = 'PortTaken';
  }

  constructor(setting: string, port: number) {
    super([`${setting}: expected a free port, but something listens on ${port}`]);
  }
}
