const statuses = {
  BAD_REQUEST: 400,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  REQUEST_TIMEOUT: 408,
  CONFLICT: 409,
  NOT_RELOADED: 409,
  BODY_TOO_LARGE: 413,
  HEAD_TOO_LARGE: 431,
  TOO_MANY_READERS: 503,
  NOT_READY: 503,
} as const;

export type RefusalCode = keyof typeof statuses;

export interface RefusalOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Stands beside `error` in the answer. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** What the private listener does not do for a caller, and why. Codes are public and never renamed. */
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
