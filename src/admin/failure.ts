import type {IncomingMessage, ServerResponse} from 'node:http';
import {commandLine} from '../called-as.ts';
import {Fault} from '../errors.ts';
import {JournalDamaged} from '../journal.ts';
import type {Log} from '../log.ts';
import {Refusal} from '../route.ts';

/** An error as the caller sees it. */
interface Failure {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly details?: Readonly<Record<string, unknown>>;
}

/**
Logs an error and answers it as `{"error": {"code", "message"}}`. An answer that has begun is broken off instead, so that the
client sees that it is incomplete. Never throws: `error` may be any value, and may throw when it is read.
*/
export function answerFailure(request: IncomingMessage, response: ServerResponse, error: unknown, log: Log): void {
  let failure = internal;
  try {
    failure = failureOf(error);
    report(failure, error, request, log);
  } catch {
    log.error({path: pathOf(request)}, 'A request to the private listener failed with an error that cannot be shown');
  }
  try {
    if (response.headersSent || !response.writable) response.destroy();
    else write(failure, request, response);
  } catch (worse) {
    response.destroy();
    log.error({path: pathOf(request), stack: stackOf(worse)}, 'A failure on the private listener could not be answered');
  }
}

/** The body of every answer that is an error. */
export function failureBody(code: string, message: string, details: Readonly<Record<string, unknown>> = {}): string {
  return `${JSON.stringify({...details, error: {code, message}})}\n`;
}

function failureOf(error: unknown): Failure {
  if (error instanceof Refusal) return error;
  if (error instanceof Fault) {
    const {status, code, message, retryAfterS} = error;
    const fault = {status, code, message};
    return retryAfterS === undefined ? fault : {...fault, headers: {'Retry-After': String(retryAfterS)}};
  }
  if (error instanceof JournalDamaged) {
    return {
      status: 500,
      code: 'JOURNAL_DAMAGED',
      message: `${error.message}; \`${commandLine('journal verify')}\` lists all that is wrong`,
    };
  }
  return internal;
}

const internal: Failure = {status: 500, code: 'INTERNAL', message: 'The core runtime failed; its log has the cause'};
const pathOf = ({url}: IncomingMessage) => url?.split('?', 1)[0];

/** Logs a caller's mistake at `debug`, a fault of the system at `warn`, damage and bugs at `error` with their stack. */
function report({status, code, message}: Failure, error: unknown, request: IncomingMessage, log: Log): void {
  const fields = {method: request.method, path: pathOf(request), code};
  if (hasCallerLeft(error, request)) log.debug(fields, 'A caller of the private listener left before the answer');
  else if (error instanceof Refusal || status < 500) log.debug({...fields, cause: message}, 'Refused on the private listener');
  else if (error instanceof Fault && error.code !== 'INTERNAL') log.warn({...fields, cause: causeOf(error) ?? message}, message);
  else log.error({...fields, cause: causeOf(error), stack: stackOf(error)}, 'A request to the private listener failed');
}

function hasCallerLeft(error: unknown, {socket}: IncomingMessage): boolean {
  return socket.destroyed && error instanceof Error && 'code' in error && /^(ECONNRESET|EPIPE|ERR_STREAM_)/.test(String(error.code));
}

function write({status, code, message, headers, details}: Failure, request: IncomingMessage, response: ServerResponse): void {
  const body = failureBody(code, message, details);
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  response.writeHead(status, {
    ...headers,
    ...(!request.complete && {Connection: 'close'}), // otherwise the rest of the body would be read as a request
    'Content-Type': 'application/json; charset=utf-8',
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': 'no-store',
    'Content-Length': Buffer.byteLength(body),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

const stackOf = (error: unknown) => (error instanceof Error ? error.stack : `Thrown, but not an Error: ${typeof error}`);
const causeOf = (error: unknown) => (error instanceof Error && error.cause instanceof Error ? error.cause.message : undefined);
