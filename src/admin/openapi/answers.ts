import type {Described} from '../../route.ts';
import {settingSources} from '../../settings/report.ts';
import {count, list, number, object, oneOf, orNull, type Schema, table, text, time, truth, wallMs} from './schema.ts';

const phase = oneOf('booting', 'ready', 'overloaded', 'broken', 'restarting', 'gave-up', 'draining');
const readiness = object({ready: truth, phase, 'cause?': text});
const reloaded = object({reloaded: truth});

const row: Record<string, Schema> = {
  id: text,
  status: oneOf('running', 'responded', 'failed', 'cancelled', 'expired', 'dead-lettered'),
  'pending?': oneOf('waiting', 'retrying'),
  'source?': text,
  'bytes?': count,
  'acceptedAt?': wallMs,
  'settledAt?': wallMs,
  'durationMs?': number,
  'waitedMs?': number,
  'cold?': truth,
  'calledAtMs?': number,
  'calledMs?': number,
  'replyStatus?': count,
  'code?': text,
  'pid?': count,
  'traceparent?': text,
};
const asked = {'method?': text, 'path?': text, 'query?': text};
const fact = object({position: count, stream: text, at: time, type: text, data: {type: 'object'}});
const pair: Schema = {type: 'array', items: text, minItems: 2, maxItems: 2};
const body = {bytes: count, 'body?': text, 'encoding?': oneOf('text', 'base64'), 'cut?': truth};
const digest = {type: 'string', pattern: '^[0-9a-f]{64}$'};

const boot = object({
  id: text,
  startedAt: wallMs,
  'version?': text,
  'settings?': text,
  'codeDigest?': text,
  'handler?': text,
  processes: list(
    object({
      pid: count,
      'executable?': text,
      'spawnedAt?': wallMs,
      'bootMs?': number,
      'loaded?': truth,
      'loadError?': text,
      'exitedAt?': wallMs,
      'reason?': text,
      'signal?': orNull(text),
      'code?': orNull({type: 'integer'}),
    }),
  ),
});

const line = object({stream: oneOf('stdout', 'stderr'), line: text, 'level?': text, 'stack?': text, at: time});

const invocation = object({
  ...row,
  'fault?': object({code: text, message: text, 'cause?': text}),
  'error?': object({message: text, 'stack?': text}),
  phases: list(object({phase: oneOf('accepted', 'waited', 'started', 'called', 'answered'), fromMs: number, ms: number})),
  'request?': object({method: text, path: text, query: text, headers: list(pair), sourceIp: text, ...body}),
  'reply?': object({status: count, headers: list(pair), ...body}),
  'log?': object({lines: list(line), dropped: count}),
  facts: list(fact),
  'boot?': boot,
  'schedule?': object({name: text, occurrence: time, attempt: count, manual: truth, 'delivery?': text}),
  payloads: object({request: truth, reply: truth}),
  'traceId?': text,
  'traceUrl?': text,
});

const difference = object({aspect: text, path: text, meaning: oneOf('changed', 'noise', 'redacted'), 'expected?': text, 'actual?': text});
const verdict = oneOf('same', 'noise', 'status', 'headers', 'body', 'error');
const compared = object({
  type: text,
  invocationId: text,
  verdict,
  changed: list(text),
  'acceptedAt?': time,
  method: text,
  path: text,
  expected: text,
  actual: text,
  differences: list(difference),
  moreDifferences: count,
  noise: list(text),
  redacted: list(text),
  code: object({'recorded?': text, 'baseline?': text, 'candidate?': text}),
});
const notReplayable = object({invocationId: text, notReplayable: text, reason: text, fix: text});

const rates = object({requests: number, errors: number, invocations: number, failures: number, overMs: number});
const now = object({
  at: time,
  function: object({name: text, version: text, handler: text, language: text, public: truth, 'url?': text}),
  core: object({version: text, node: text, pid: count, startedAt: time, processes: count, processesUp: count}),
  journal: object({http: oneOf('off', 'facts', 'full'), durable: truth, 'location?': text}),
  work: truth,
  messages: truth,
  readiness,
  rates,
  times: object({p50Ms: orNull(number), p99Ms: orNull(number)}),
  queue: object({waiting: count, inFlight: count, longest: count}),
  subRuntimes: object({ready: count, wanted: count}),
  memory: object({coreBytes: count, functionBytes: count, heldBytes: count, maxHeldBytes: count, limitBytes: count}),
  totals: object({
    ...{requests: count, errors: count, invocations: count, failures: count, otherCalls: count, otherFailures: count},
    ...{restarts: count, coldStarts: count},
  }),
});

const placed = object({
  pid: count,
  role: oneOf('serving', 'next', 'past'),
  spawnedAt: time,
  'readyAt?': time,
  calls: count,
  residentBytes: count,
});
const end = object({
  at: time,
  'pid?': count,
  reason: text,
  code: orNull({type: 'integer'}),
  signal: orNull(text),
  upMs: count,
  sentence: text,
  lastWords: text,
});
const place = object({phase: oneOf('idle', 'booting', 'ready', 'broken', 'exited', 'gave-up'), 'error?': text, processes: list(placed)});
const core = object({pid: count, leader: truth, residentBytes: count, places: list(place), ends: list(end)});

const setting = object({
  name: text,
  value: orNull(text),
  source: oneOf(...settingSources),
  doc: text,
  group: text,
  title: text,
});

const occurrence = {occurrence: time, at: time};
const fired = {type: {const: 'fired'}, ...occurrence, invocationId: text, attempt: count, manual: truth, 'delivery?': text};
const missed = {type: {const: 'missed'}, ...occurrence, first: time, count, 'more?': truth, reason: text};

const workItem: Record<string, Schema> = {
  id: text,
  status: oneOf('waiting', 'behind', 'running', 'dead'),
  acceptedAt: wallMs,
  due: wallMs,
  attempts: count,
  'posting?': truth,
  'deaths?': count,
  'mostAttempts?': count,
  'expires?': wallMs,
  'orderingKey?': text,
  'callbackHost?': text,
  'reason?': object({why: oneOf('exhausted', 'refused', 'poison'), class: text, status: count}),
  'deadAt?': wallMs,
};
const census = {waiting: count, due: count, behind: count, running: count, dead: count, 'oldest?': wallMs, 'nextDue?': wallMs};
const workItems = list(object(workItem));
const redrive = object({
  state: oneOf('sending', 'checking', 'done', 'stopped', 'failed'),
  sent: count,
  skipped: count,
  startedAt: wallMs,
  'endedAt?': wallMs,
  'cause?': text,
});
const redriveAnswer = object({redrive: orNull(redrive)});

/** What each route of the core answers, and what it takes as a body. */
export const answers = {
  metrics: {type: 'text/plain', answer: text},
  live: {answer: object({live: truth})},
  ready: {answer: readiness, also: {503: readiness}},
  page: {type: 'text/html', answer: text},
  file: {type: 'application/octet-stream', answer: text},
  session: {answer: object({needed: truth, signedIn: truth})},
  signIn: {status: 204, body: object({token: text, 'folder?': text})},
  signOut: {status: 204},
  now: {answer: now},
  history: {answer: object({stepMs: count, columns: table(list(orNull(number)))})},
  processes: {answer: object({cores: list(core)})},
  settings: {answer: object({settings: list(setting), warnings: list(text)})},
  reload: {answer: reloaded},
  replays: {
    status: 201,
    answer: object({kept: count}),
    body: list(object({invocationId: text, verdict, 'baseline?': digest, 'candidate?': digest})),
  },
  facts: {type: 'application/x-ndjson', answer: text, events: true},
  invocations: {answer: object({invocations: list(object({...row, ...asked})), 'next?': text})},
  liveInvocations: {type: 'text/event-stream', answer: text},
  invocation: {answer: invocation},
  bytes: {type: 'application/octet-stream', answer: text},
  replay: {answer: {anyOf: [compared, notReplayable]}},
  scheduleHistory: {
    answer: object({
      occurrences: list({
        anyOf: [object({...fired, 'status?': text, 'replyStatus?': count, 'durationMs?': number, 'code?': text}), object(missed)],
      }),
    }),
  },
  work: {answer: object({paused: truth, ...census, items: workItems, 'next?': text})},
  workItem: {answer: object({...workItem, facts: list(fact)})},
  workCancelled: {
    answer: object({id: text, was: text, cancelled: truth}),
    also: {202: object({id: text, was: text, cancelled: truth})},
  },
  workPaused: {answer: object({paused: truth})},
  dead: {answer: object({items: workItems, 'next?': text})},
  redrive: {answer: redriveAnswer},
  redriveBegun: {
    status: 202,
    answer: redriveAnswer,
    also: {200: object({count, more: truth, items: workItems})},
    body: object({
      'since?': text,
      'class?': text,
      'status?': count,
      'id?': text,
      'ids?': list(text),
      'preview?': truth,
      'canary?': count,
      'rate?': count,
    }),
  },
  deadDropped: {answer: object({dropped: count, unknown: list(text)}), body: object({ids: list(text)})},
  openapi: {answer: {type: 'object'}},
} as const satisfies Readonly<Record<string, Described>>;
