import {catalogue, type FaultCode} from '../src/errors.ts';
import {type RefusalCode, statuses} from '../src/route.ts';

/** Who can do something about a fault, and what the page says before their table. */
const readers = {
  caller: [
    'The request',
    'The caller can correct these. The function did not run, unless it [reads bodies as they come](functions.md#a-body-as-it-comes).',
  ],
  token: ['The token of a private function', 'The log says at `CORE_LOG_LEVEL=debug` why a token was refused. The function did not run.'],
  load: ['Too much at a time, or not ready', 'These pass. More room can be given to the function: [Operating](operations.md).'],
  function: ['The function', 'The author of the function can correct these.'],
  work: ['Work', 'See [work](work.md). The function did not run for these requests.'],
  core: ['The core', 'Codes that belong to none of these groups.'],
} as const;

interface Advice {
  readonly reader: keyof typeof readers;
  /** When the code is given. */
  readonly when: string;
  /** What the reader can do. */
  readonly remedy: string;
  /** The answer says in `Retry-After` when to send the request again. */
  readonly retryAfter?: true;
}

/** One line for each fault of the catalogue: a new one without a line here does not compile. */
const advice = {
  REQUEST_MALFORMED: {
    reader: 'caller',
    when: 'The request breaks a rule of HTTP, its path has a malformed `%` escape, or `Core-Timeout` is not a duration; or a field that asks for work has a value that it cannot have. The answer says which.',
    remedy: 'Correct the request.',
  },
  TRIGGER_UNKNOWN: {
    reader: 'caller',
    when: 'The header `SCW_TRIGGER_TYPE` names a trigger that does not exist.',
    remedy: 'Leave the header out, or use one of the original core’s names.',
  },
  METHOD_REFUSED: {reader: 'caller', when: 'The method is CONNECT.', remedy: 'Use another method: the core is not a proxy.'},
  REQUEST_TIMEOUT: {
    reader: 'caller',
    when: 'The head took longer than 10 s to arrive, or the whole request longer than 30 s; or a body that is read as it comes was silent for 30 s.',
    remedy: 'Send it again on a faster connection, or send less.',
  },
  BODY_TOO_LARGE: {
    reader: 'caller',
    when: 'The body is larger than `SCW_PAYLOAD_MAX_SIZE`.',
    remedy: 'Send less, or raise the setting.',
  },
  BODY_INCOMPLETE: {
    reader: 'caller',
    when: 'The connection ended before the whole body had arrived.',
    remedy: 'Send it again. If it happens often, look for a proxy that closes connections.',
  },
  EXPECTATION_UNKNOWN: {
    reader: 'caller',
    when: 'The header `Expect` asks for something other than `100-continue`.',
    remedy: 'Leave the header out.',
  },
  HEAD_TOO_LARGE: {
    reader: 'caller',
    when: 'The head is larger than 1 MiB, or has more than 2,000 fields.',
    remedy: 'Send fewer or shorter fields.',
  },
  VERSION_UNSUPPORTED: {
    reader: 'caller',
    when: 'The request is neither HTTP/1.0 nor HTTP/1.1.',
    remedy: 'Use HTTP/1.1, or put a proxy that speaks HTTP/2 in front.',
  },

  AUTH_MISSING: {
    reader: 'token',
    when: 'The function is private, and the request carries no token.',
    remedy:
      'Send the token in `Authorization: Bearer <token>`, `X-Auth-Token` or `SCW-Functions-Token`; [how to make one](private-functions.md).',
  },
  AUTH_INVALID: {
    reader: 'token',
    when: 'The token is malformed, expired, not valid yet, signed with another key, or does not name exactly one function.',
    remedy: 'Get a new token.',
  },
  AUTH_FORBIDDEN: {
    reader: 'token',
    when: 'The token is valid, but was issued for another function or namespace.',
    remedy: 'Compare the token’s `application_claim` with `SCW_APPLICATION_ID` and `SCW_NAMESPACE_ID`.',
  },
  AUTH_NOT_CONFIGURED: {
    reader: 'token',
    when: 'A token came, and the core has no key to check it with: none is set, or the key set could not be fetched for too long.',
    remedy: 'Set `SCW_PUBLIC_KEY` or `CORE_JWKS_URL`. If a key set is set, the log says why it cannot be fetched.',
  },
  AUTH_BUSY: {
    reader: 'token',
    when: 'More than 1,000 callers wait for the key set to be fetched.',
    remedy: 'Send it again. If it lasts, look at the address in `CORE_JWKS_URL`: it answers slowly.',
    retryAfter: true,
  },

  POOL_BUSY: {
    reader: 'load',
    when: 'Every sub-runtime is busy, and the queue is full or too slow; or the host has no descriptor left for a call.',
    remedy: 'Send it again. More `CORE_WORKERS`, `CORE_CONCURRENCY` or replicas serve more calls at a time.',
    retryAfter: true,
  },
  POOL_NOT_READY: {
    reader: 'load',
    when: 'The sub-runtime did not become ready within `CORE_START_TIMEOUT`, or refuses connections.',
    remedy: 'Send it again. `/readyz` and the log say what keeps the sub-runtime from starting.',
    retryAfter: true,
  },
  POOL_GAVE_UP: {
    reader: 'load',
    when: 'The sub-runtime ended more often than `CORE_RESTARTS` allows, and is now started only every 30 to 60 s.',
    remedy: 'The log has the reason of each end. Correct the function and reload it.',
    retryAfter: true,
  },
  INFLIGHT_FULL: {
    reader: 'load',
    when: 'Requests and replies in flight take up `CORE_INFLIGHT_BYTES`. Slow senders are refused first.',
    remedy: 'Send it again. Raise the setting only where the container has memory left.',
    retryAfter: true,
  },
  REPLY_NO_ROOM: {
    reader: 'load',
    when: 'The function ran, but replies that wait for slow callers took up the room, and its own reply was dropped.',
    remedy: 'Raise `CORE_INFLIGHT_BYTES`, return smaller replies, or look for callers that read slowly.',
  },
  DRAINING: {
    reader: 'load',
    when: 'The core is stopping, and the call still waited for a sub-runtime when `CORE_GRACE` was over.',
    remedy: 'Send it again: another replica answers.',
    retryAfter: true,
  },
  JOURNAL_BUSY: {
    reader: 'load',
    when: 'A delivery that is written ahead, such as work or an occurrence of a schedule, must be recorded before it runs, and the journal has too much to write.',
    remedy: 'Send work again; a schedule delivers the occurrence again. If it lasts, the disk, or the server of the journal, is too slow.',
    retryAfter: true,
  },
  JOURNAL_FAILED: {
    reader: 'load',
    when: 'A delivery that is written ahead, such as work or an occurrence of a schedule, must be recorded before it runs, and the journal cannot be written.',
    remedy:
      'The log has the error of the disk or the server; [when the disk fails](journal.md#when-the-disk-fails). Work may be kept all the same: send it again with its `Idempotency-Key`.',
    retryAfter: true,
  },

  HANDLER_FAILED: {
    reader: 'function',
    when: 'The handler threw an error. The answer has its message. A stream that failed in its middle is broken off.',
    remedy: 'The log has the stack, with the same invocation id.',
  },
  HANDLER_MISSING: {
    reader: 'function',
    when: 'The handler could not be loaded: its file, its export, or something that it imports is missing or broken.',
    remedy: 'The log and `/readyz` have the cause. Correct the function and reload it.',
  },
  RESULT_INVALID: {
    reader: 'function',
    when: 'The function returned a status, a header or a body that HTTP cannot carry, or more than `CORE_RESPONSE_MAX_SIZE`. The answer names the value.',
    remedy: 'Correct what the function returns.',
  },
  UPSTREAM_TIMEOUT: {
    reader: 'function',
    when: 'The function did not answer within `CORE_TIMEOUT`, or within the `Core-Timeout` that the caller asked for; or a streamed reply was silent for `CORE_STREAM_IDLE`, or too long for `CORE_STREAM_TIMEOUT`, and was broken off.',
    remedy: 'A trace shows where the time went. The call may still be running.',
  },
  UPSTREAM_LOST: {
    reader: 'function',
    when: 'The process of the function ended during the call.',
    remedy: 'The log has its exit code and the end of its stderr; `oom` means that it ran out of memory.',
  },
  BATCH_FAILED: {
    reader: 'function',
    when: 'The function failed for an event of a batch of [CloudEvents](cloudevents.md), or refused it; the message says which.',
    remedy:
      'Send the whole batch again, within ten minutes: then events that have succeeded [do not reach the function again](cloudevents.md#batches).',
  },
  UPSTREAM_PROTOCOL: {
    reader: 'function',
    when: 'The sub-runtime broke [its protocol](../runtimes/README.md): it sent no HTTP, half a reply, another call’s reply, or an unexpected status.',
    remedy: 'Check the sub-runtime with `npx core-runtime conform`.',
  },

  IDEMPOTENCY_MISMATCH: {
    reader: 'work',
    when: 'Another request came with the same `Idempotency-Key` within 24 hours: another method, path, query or body.',
    remedy: 'Use a new key for each request, and the same one only to send the same request again.',
  },
  WORK_FULL: {
    reader: 'work',
    when: '`CORE_WORK_MAX` items wait or run.',
    remedy: 'Send it again later; raise the setting, or give work more calls at a time with `CORE_WORK_CONCURRENCY`.',
    retryAfter: true,
  },
  WORK_NOT_KEPT: {
    reader: 'work',
    when: 'Work was sent to a core whose journal is in memory.',
    remedy: 'Give the core a journal on a disk or on servers: [where](journal.md#where).',
    retryAfter: true,
  },
  WORK_UNKNOWN: {
    reader: 'work',
    when: 'No work with this id was sent by this caller, or its facts are not kept any more (`CORE_JOURNAL_KEEP`).',
    remedy: 'Ask with the token of the caller who sent it.',
  },
  WORK_UNFINISHED: {
    reader: 'work',
    when: 'The reply was asked for before the invocation was over.',
    remedy: 'Ask again later, or ask for the status.',
    retryAfter: true,
  },
  WORK_OVER: {reader: 'work', when: 'An invocation was to be cancelled that is over.', remedy: 'Nothing.'},
  REPLY_GONE: {
    reader: 'work',
    when: 'The reply is older than `CORE_JOURNAL_KEEP_BODIES`, or the invocation ended without one.',
    remedy: 'Ask for the status, which is kept for longer.',
  },
  CALLER_LEFT: {
    reader: 'core',
    when: 'The call was broken off: its caller left (with `CORE_CANCEL=abort`, or during a streamed reply), or a schedule replaced it. Facts, metrics and spans have this code.',
    remedy: 'Nothing; or give callers a longer time limit.',
  },
  INTERNAL: {
    reader: 'core',
    when: 'The core has a bug.',
    remedy: 'Report it with the log line that has this invocation id.',
  },
} as const satisfies Record<FaultCode, Advice>;

/** A table of faults for each reader, as Markdown. */
export function errorsTables(): string {
  return Object.entries(readers)
    .map(([reader, [title, introduction]]) => {
      const rows = codes.filter(code => advice[code].reader === reader).map(rowOf);
      const head = ['| code | status | when it occurs | send it again? | what to do |', '| --- | --- | --- | --- | --- |'];
      return `## ${title}\n\n${introduction}\n\n${[...head, ...rows].join('\n')}\n\n`;
    })
    .join('');
}

const codes = Object.keys(advice) as FaultCode[]; // `satisfies` allows no other keys

function rowOf(code: FaultCode): string {
  const {when, remedy}: Advice = advice[code];
  return `| \`${code}\` | ${catalogue[code].status} | ${when} | ${againOf(code)} | ${remedy} |`;
}

function againOf(code: FaultCode): string {
  const {retryAfter}: Advice = advice[code];
  const {retryable, ...fault} = catalogue[code];
  if (retryable) return retryAfter ? 'yes, after `Retry-After`' : 'yes';
  return 'reached' in fault ? 'no: the answer would be the same' : 'only if it may run twice';
}

/** The codes whose answers have `Retry-After`, for the test. */
export const withRetryAfter: readonly FaultCode[] = codes.filter(code => 'retryAfter' in advice[code]);

/** The same for the private listener. */
const refusals = {
  BAD_REQUEST: {when: 'A parameter or the body is not what the path expects. The message says what it is.', remedy: 'Correct the request.'},
  FORBIDDEN: {
    when: 'The caller may not use this path: it is not on this machine, sends no valid `CORE_ADMIN_TOKEN`, or is a page of another site.',
    remedy: 'Send the token as `Authorization: Bearer <token>`; without a token only callers on this machine may.',
  },
  NOT_FOUND: {when: 'The path, or what it names, does not exist or is not kept.', remedy: 'Correct the path.'},
  METHOD_NOT_ALLOWED: {when: 'The path exists, but not with this method.', remedy: 'Use a method that `Allow` names.'},
  REQUEST_TIMEOUT: {when: 'The request took longer than 5 s to arrive.', remedy: 'Send it again.'},
  CONFLICT: {
    when: 'It cannot be done now: the occurrence was fired before or is still running, a replay or redrive goes on, the core is stopping. The message says what it is.',
    remedy: 'Nothing, if it was fired; otherwise do what the message says.',
  },
  NOT_RELOADED: {
    when: 'The new code was not loaded; the old code goes on serving.',
    remedy: 'Correct what the message names, and reload again.',
  },
  BODY_TOO_LARGE: {when: 'The body is larger than the path takes.', remedy: 'Send less at a time.'},
  HEAD_TOO_LARGE: {when: 'The head is larger than the listener takes.', remedy: 'Send fewer or shorter fields.'},
  TOO_MANY_ATTEMPTS: {
    when: 'Wrong tokens came from this address again and again.',
    remedy: 'Send the right token, which is let in at once; wrong ones are answered so until `Retry-After` is over.',
  },
  TOO_MANY_READERS: {when: '16 callers are reading the journal.', remedy: 'Send it again after `Retry-After`.'},
  NOT_READY: {when: 'The core is starting, and what the path needs is not open yet.', remedy: 'Send it again after `Retry-After`.'},
} as const satisfies Record<RefusalCode, Pick<Advice, 'when' | 'remedy'>>;

/** The table of the private listener's codes, as Markdown. */
export function refusalsTable(): string {
  const rows = Object.entries(refusals).map(
    ([code, {when, remedy}]) => `| \`${code}\` | ${statuses[code as RefusalCode]} | ${when} | ${remedy} |`, // `satisfies` allows no other keys
  );
  return ['| code | status | when it occurs | what to do |', '| --- | --- | --- | --- |', ...rows, ''].join('\n');
}
